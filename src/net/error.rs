//! What goes wrong on the way, in gravix's terms: ureq's errors classed, and
//! errors that keep their class on their way through ureq and `std::io`.

use std::io;

use crate::error::{Error, NetworkError};
use crate::net::clock::Clock;
use crate::wire::decode::cut;

/// An error that keeps its class on its way through ureq.
pub fn classed(error: impl Into<Error>) -> ureq::Error {
    ureq::Error::Other(Box::new(error.into()))
}

/// What an error before an answer's body means. The connection's own faults
/// are classed already.
pub fn before_body(error: ureq::Error, clock: &Clock, base_url: &str) -> Error {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Error>() {
            Ok(classed) => *classed,
            Err(other) => Error::Protocol(format!("no HTTP exchange: {other}")),
        },
        ureq::Error::Timeout(reason) => clock.expired(reason).into(),
        // A fault of what was to be sent is classed too.
        ureq::Error::Io(error) => match error.downcast::<Error>() {
            Ok(classed) => classed,
            Err(_) if clock.is_answered() => cut("the connection was closed"),
            Err(_) => NetworkError::Unanswered.into(),
        },
        ureq::Error::LargeResponseHeader(_, limit) => {
            Error::Protocol(format!("the answer's headers are longer than {limit} bytes"))
        }
        other => Error::Protocol(format!("{base_url} does not speak HTTP as it should: {other}")),
    }
}

/// What an error inside a body means. [`io::ErrorKind::WouldBlock`] is left
/// as it is.
pub fn in_body(error: io::Error, clock: &Clock) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return error;
    }
    io::Error::other(match ureq::Error::from(error) {
        ureq::Error::Timeout(reason) => clock.expired(reason).into(),
        ureq::Error::Io(_) => cut("the connection was closed"),
        other => Error::Protocol(format!("the reply is bad HTTP: {other}")),
    })
}
