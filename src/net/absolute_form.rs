//! Requests to a proxy that sends them on: their first line holds the whole URL
//! (RFC 9112, section 3.2.2). ureq writes only the path.

use ureq::http::Uri;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

/// A connection to the proxy.
#[derive(Debug)]
pub struct AbsoluteForm {
    inner: Box<dyn Transport>,
    /// What goes before the path: `http://host:port`.
    origin: String,
    /// Whether the next bytes to send begin a request.
    is_at_start: bool,
}

impl AbsoluteForm {
    /// `inner` is connected to the proxy, `uri` is the URL of a request.
    pub fn new(inner: Box<dyn Transport>, uri: &Uri) -> Self {
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        Self { inner, origin: format!("{scheme}://{authority}"), is_at_start: true }
    }

    /// Sends the head of a request, whose first line may not fit into the buffer
    /// any more.
    fn transmit_head(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let mut head = self.inner.buffers().output()[..amount].to_vec();
        let path = head.iter().position(|&byte| byte == b' ').map_or(0, |space| space + 1);
        head.splice(path..path, self.origin.bytes());
        let size = self.inner.buffers().output().len();
        for part in head.chunks(size) {
            self.inner.buffers().output()[..part.len()].copy_from_slice(part);
            self.inner.transmit_output(part.len(), timeout)?;
        }
        Ok(())
    }
}

impl Transport for AbsoluteForm {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        match std::mem::take(&mut self.is_at_start) {
            true => self.transmit_head(amount, timeout),
            false => self.inner.transmit_output(amount, timeout),
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        // ureq reads only after it has sent a whole request.
        self.is_at_start = true;
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
