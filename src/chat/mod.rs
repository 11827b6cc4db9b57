//! Messages, replies and what a reply must be. Knows no wire.

pub mod code_block;
pub mod event;
pub mod format;
pub mod message;
pub mod reply;
pub mod response;
pub mod schema;
pub mod tool_call;
pub mod turn;
