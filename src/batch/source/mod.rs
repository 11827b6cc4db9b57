//! The input of a batch: its records, read and made into requests.

pub mod batch_request;
pub mod instruction;
pub mod invalid_request;
pub mod job_queue;
pub mod json_fields;
pub mod overriding;
pub mod preflight;
pub mod read_options;
pub mod record;
pub mod records;
pub mod request_line;
pub mod selection;
