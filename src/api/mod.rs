//! The wire. Nothing outside this folder names ureq.

pub mod assembly;
pub mod call;
pub mod client;
pub mod events;
pub mod limits;
pub mod pace;
pub mod request;

mod chat;
mod chunk;
mod clock;
mod connect;
mod failure;
mod fault;
mod lookup;
mod mock;
mod refusal;
pub mod retry;
mod server;
mod socket;
mod sse;
mod tcp;
mod template;
mod tls;
