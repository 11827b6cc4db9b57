//! Bytes to events, and requests to bytes. Knows no network.

pub mod body;
pub mod chunk;
pub mod chunk_cache;
pub mod decode;
pub mod error_body;
pub mod sse;
pub mod wire_call;
