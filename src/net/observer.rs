//! What happens on the way to a reply, for a caller that wants to know.

use std::borrow::Cow;
use std::fmt::Arguments;
use std::net::SocketAddr;
use std::time::Duration;

use ureq::http::HeaderMap;

use crate::error::Error;

/// Is told what happens, in the order in which it happens.
pub trait NetObserver: Send + Sync {
    fn observe(&self, event: &NetEvent<'_>);
}

#[derive(Debug)]
pub enum NetEvent<'a> {
    /// A connection is being made to `target`, at one of these addresses.
    Connecting { target: &'a str, addresses: &'a [SocketAddr] },
    /// The TLS handshake is done.
    Secured { host: &'a str, version: Arguments<'a> },
    /// The server had closed a connection that was kept; a new one is made.
    Reconnecting,
    /// A request is about to be sent.
    Request { line: Arguments<'a>, headers: Headers<'a> },
    /// The head of the response has come.
    Response { line: Arguments<'a>, headers: Headers<'a> },
    /// The try failed. The next one, number `attempt` of `attempts`, begins
    /// after `wait`.
    Retrying { error: &'a Error, wait: Duration, attempt: u32, attempts: u32 },
    /// The try was refused because of a rate limit, and does not count.
    RateLimited { error: &'a Error },
}

/// The headers of a request or a response.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a>(pub(super) Option<&'a HeaderMap>);

impl<'a> Headers<'a> {
    /// Names in lower case, and values.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let fields = self.0.into_iter().flatten();
        fields.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
    }
}
