//! The wire format: requests to bytes, and bytes to the events of a reply.
//! Independent of the network.

pub mod body;
pub mod choice;
pub mod chunk;
pub mod chunk_cache;
pub mod decode;
pub mod embedded_json;
pub mod error_body;
pub mod error_fields;
pub mod failure;
pub mod loose_json;
pub mod loose_string;
pub mod markup;
pub mod model_list;
pub mod reply_body;
pub mod reply_error;
pub mod sse;
pub mod step;
pub mod wire_call;
