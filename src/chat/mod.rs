//! Messages, replies and the checks on a reply. Independent of the wire format.

pub mod code_block;
pub mod command_line;
pub mod decoded_message;
pub mod event;
pub mod finish;
pub mod format;
pub mod held_bytes;
pub mod joined;
pub mod joiner;
pub mod message;
pub mod reply;
pub mod response;
pub mod schema;
pub mod thoughts;
pub mod tokens;
pub mod tool_call;
pub mod turn;
