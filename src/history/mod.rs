//! The JSONL file of a conversation: open, lock, check, append, heal. A line
//! is one message object; lines go into the request byte for byte.

pub mod conversation;
pub mod line;
pub mod lock;
pub mod locked_file;
pub mod messages;
pub mod notice;
pub mod repair;
pub mod scan;
