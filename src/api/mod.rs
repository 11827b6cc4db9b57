//! The wire. Nothing outside this folder names ureq.

pub mod client;
pub mod events;
pub mod request;

mod chunk;
mod failure;
mod mock;
mod sse;
mod transport;
