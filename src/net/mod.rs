//! Requests sent, and tried again. Nothing outside this folder names ureq.

pub mod attempt;
pub mod base_url;
pub mod client;
pub mod clock;
pub mod connect;
pub mod endpoint;
pub mod error;
pub mod mock;
pub mod observer;
pub mod pace;
pub mod rate_limit;
pub mod reply_stream;
pub mod resolve;
pub mod retry;
pub mod server;
pub mod status;
pub mod tcp;
pub mod timed;
pub mod tls;
