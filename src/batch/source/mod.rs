//! The input of a batch: its lines, read and made into requests.

pub mod batch_request;
pub mod instruction;
pub mod job_queue;
pub mod json_fields;
pub mod overriding;
pub mod preflight;
pub mod records;
pub mod request_line;
