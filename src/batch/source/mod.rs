//! Records to requests.

pub mod feed;
pub mod json_fields;
pub mod records;
pub mod request_line;
