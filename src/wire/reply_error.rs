//! The errors of a reply that breaks off or is not a chat completion.

use std::io::{self, ErrorKind};

use crate::error::{Error, NetworkError};
use crate::headroom;
use crate::wire::error_body;

/// The error for a reply that broke off. `how` is the first part of the
/// message, such as "the stream ended".
pub fn cut(how: &str) -> Error {
    NetworkError::Cut(how.to_owned()).into()
}

/// The [`Error`] inside an I/O error of a body. An I/O error without one means
/// that the connection failed, or that there is no memory.
pub fn from_io(error: io::Error) -> Error {
    if error.kind() == ErrorKind::OutOfMemory {
        return headroom::no_memory(error);
    }
    error.downcast().unwrap_or_else(|other| cut(&format!("the connection failed ({other})")))
}

/// The error for a body that is something else, with the words in it.
pub fn not_a_completion(body: &[u8]) -> Error {
    let words = error_body::words(body);
    Error::Protocol(format!("the reply is not a chat completion: {words}"))
}

/// The error for HTML instead of a reply: the base URL probably points to a
/// website.
pub fn html(base_url: &str) -> Error {
    Error::NotApi(format!("the server sent HTML; check the base URL {base_url}"))
}

/// The error for a body over [`LIMIT`](crate::wire::sse::LIMIT).
pub fn too_long() -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, "the reply is longer than 64 MiB")
}
