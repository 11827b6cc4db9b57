//! The JSONL file of a conversation: opening, locking, checking, appending and
//! repairing it. Each line is one message object and goes into requests byte
//! for byte.

pub mod conversation;
pub mod fork;
pub mod line;
pub mod lock;
pub mod locked_file;
pub mod messages;
pub mod new_file;
pub mod notice;
pub mod options;
pub mod pipe;
pub mod repair;
pub mod scan;
