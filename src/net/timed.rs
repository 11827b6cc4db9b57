//! Connection layers that report to the [`Clock`] and apply its timeouts.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::net::clock::Clock;

/// The longest output that is held back, in bytes.
const MAX_HELD: usize = 4 << 10;

/// The outermost layer: reports to the clock when the status line has come.
#[derive(Debug)]
pub struct StatusLineWatcher {
    pub clock: Arc<Clock>,
}

impl<In: Transport> Connector<In> for StatusLineWatcher {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let clock = Arc::clone(&self.clock);
        Ok(chained.map(|inner| Box::new(WatchedTransport { inner, clock }) as Self::Out))
    }
}

#[derive(Debug)]
pub struct WatchedTransport<T> {
    inner: T,
    clock: Arc<Clock>,
}

impl<T: Transport> Transport for WatchedTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.clock.sending();
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let has_input = self.inner.await_input(timeout)?;
        if !self.clock.has_status_line() && self.inner.buffers().input().contains(&b'\n') {
            self.clock.status_line_received();
        }
        Ok(has_input)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// The layer around a socket: applies the clock's timeouts to each wait.
#[derive(Debug)]
pub struct TimedConnector {
    pub clock: Arc<Clock>,
}

impl<In: Transport> Connector<In> for TimedConnector {
    type Out = TimedTransport<In>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let clock = Arc::clone(&self.clock);
        Ok(chained.map(|socket| TimedTransport {
            socket,
            clock,
            held: Vec::new(),
            is_wait_announced: false,
            write_error: None,
        }))
    }
}

/// A socket that takes its timeouts from the clock and ignores ureq's. A write
/// that timed out cannot go on from here, so the socket itself counts it.
#[derive(Debug)]
pub struct TimedTransport<T> {
    socket: T,
    clock: Arc<Clock>,
    /// A short output, such as the head of a request. It is sent together with the
    /// next one, or before the wait for input: as one packet, they cost half.
    held: Vec<u8>,
    is_wait_announced: bool,
    /// Why a write failed. It is returned only if no response follows: a server
    /// that refuses a long body may respond and close before it has read it.
    write_error: Option<io::Error>,
}

impl<T: Transport> TimedTransport<T> {
    fn send_held(&mut self) -> Result<(), ureq::Error> {
        let held = std::mem::take(&mut self.held);
        let size = self.socket.buffers().output().len();
        held.chunks(size).try_for_each(|part| {
            self.socket.buffers().output()[..part.len()].copy_from_slice(part);
            self.send(part.len())
        })
    }

    fn send(&mut self, amount: usize) -> Result<(), ureq::Error> {
        if self.write_error.is_some() {
            return Ok(());
        }
        match self.socket.transmit_output(amount, self.clock.next_timeout()) {
            Err(ureq::Error::Io(error)) if is_disconnect(&error) => self.write_error = Some(error),
            sent => {
                sent?;
                self.clock.reset_idle();
            }
        }
        Ok(())
    }
}

impl<T: Transport> Transport for TimedTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.socket.buffers()
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let is_first = self.held.is_empty();
        if is_first && amount > MAX_HELD {
            return self.send(amount);
        }
        self.held.extend_from_slice(&self.socket.buffers().output()[..amount]);
        if is_first { Ok(()) } else { self.send_held() }
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.send_held()?;
        if self.clock.announces_waits() {
            self.is_wait_announced = !self.is_wait_announced;
            if self.is_wait_announced {
                return Err(ureq::Error::Io(ErrorKind::WouldBlock.into()));
            }
        }
        // A wait that timed out has read nothing, so it can go on.
        let has_input = self.clock.wait(|slice| {
            let timeout = NextTimeout { after: slice.into(), ..NextTimeout::default() };
            match self.socket.await_input(timeout) {
                Err(ureq::Error::Timeout(_)) => None,
                has_input => Some(has_input),
            }
        });
        let has_input = has_input.unwrap_or_else(|reason| Err(ureq::Error::Timeout(reason)));
        match (has_input, self.write_error.take()) {
            (Ok(false) | Err(_), Some(error)) => Err(ureq::Error::Io(error)),
            (has_input, write_error) => {
                self.write_error = write_error;
                has_input
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.socket.is_open()
    }

    fn is_tls(&self) -> bool {
        self.socket.is_tls()
    }
}

/// Whether the peer closed the connection.
pub fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::UnexpectedEof
    )
}
