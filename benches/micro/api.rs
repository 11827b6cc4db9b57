//! The files of gravix that decode and parse a stream.

#[path = "../../src/api/call.rs"]
pub mod call;
#[path = "../../src/api/chunk.rs"]
pub mod chunk;
#[path = "../../src/api/failure.rs"]
mod failure;
#[path = "../../src/api/sse.rs"]
pub mod sse;
#[path = "../../src/api/template.rs"]
pub mod template;
