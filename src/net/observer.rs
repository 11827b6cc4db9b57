//! Events of the network layer, reported to an observer as they happen.

use std::borrow::Cow;
use std::fmt::Arguments;
use std::net::SocketAddr;
use std::time::Duration;

use ureq::http::HeaderMap;

use crate::error::Error;

pub trait NetObserver: Send + Sync {
    fn observe(&self, event: &NetEvent<'_>);
}

#[derive(Debug)]
pub enum NetEvent<'a> {
    /// A connection to `target` is being made, at one of these addresses.
    Connecting { target: &'a str, addresses: &'a [SocketAddr] },
    /// TCP is connected to this address, of the server or of its proxy.
    Connected { address: SocketAddr },
    /// The TLS handshake is done.
    Secured { host: &'a str, version: &'static str },
    /// The server had closed the reused connection. A new one is being made.
    Reconnecting,
    /// A request is about to be sent.
    Request { line: Arguments<'a>, headers: Headers<'a> },
    /// The head of a response has arrived.
    Response { line: Arguments<'a>, headers: Headers<'a> },
    /// A try failed. The next one, number `attempt` of `attempts`, starts after
    /// `wait`.
    Retrying { error: &'a Error, wait: Duration, attempt: u32, attempts: u32 },
}

/// The headers of a request or a response.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a>(pub(super) Option<&'a HeaderMap>);

impl<'a> Headers<'a> {
    /// Pairs of a lower-case name and a value.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let fields = self.0.into_iter().flatten();
        fields.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
    }
}
