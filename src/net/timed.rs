//! Layers around a connection that keep the clock. Know no HTTP but where a
//! status line ends.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Instant;

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::net::clock::Clock;

/// The last layer: tells the clock when the status line has come.
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
        let clock = || Arc::clone(&self.clock);
        Ok(chained.map(|inner| Box::new(WatchedTransport { inner, clock: clock() }) as Self::Out))
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
        let came = self.inner.await_input(timeout)?;
        if !self.clock.is_answered() && self.inner.buffers().input().contains(&b'\n') {
            self.clock.answered();
        }
        Ok(came)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[derive(Debug)]
pub struct Timed {
    pub clock: Arc<Clock>,
}

impl<In: Transport> Connector<In> for Timed {
    type Out = TimedSocket<In>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let clock = || Arc::clone(&self.clock);
        Ok(chained.map(|socket| TimedSocket {
            socket,
            clock: clock(),
            is_announced: false,
            broken: None,
        }))
    }
}

/// A socket whose waits are bounded by the clock alone.
#[derive(Debug)]
pub struct TimedSocket<T> {
    socket: T,
    clock: Arc<Clock>,
    is_announced: bool,
    /// The fault of a write. The answer may have come all the same: a server
    /// that refuses a long body closes while it is still being sent.
    broken: Option<io::Error>,
}

impl<T: Transport> TimedSocket<T> {
    /// Waits for the peer, and counts the time.
    fn wait<V>(
        &mut self,
        work: impl FnOnce(&mut T, NextTimeout) -> Result<V, ureq::Error>,
    ) -> Result<V, ureq::Error> {
        let began = Instant::now();
        let result = work(&mut self.socket, self.clock.next_timeout());
        self.clock.waited(began.elapsed());
        result
    }
}

impl<T: Transport> Transport for TimedSocket<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.socket.buffers()
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        if self.broken.is_some() {
            return Ok(());
        }
        match self.wait(|socket, timeout| socket.transmit_output(amount, timeout)) {
            Err(ureq::Error::Io(error)) if is_broken(&error) => self.broken = Some(error),
            sent => {
                sent?;
                self.clock.alive();
            }
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        if self.clock.announces_waits() {
            self.is_announced = !self.is_announced;
            if self.is_announced {
                return Err(ureq::Error::Io(ErrorKind::WouldBlock.into()));
            }
        }
        let came = self.wait(|socket, timeout| socket.await_input(timeout));
        match (came, self.broken.take()) {
            (Ok(false) | Err(_), Some(error)) => Err(ureq::Error::Io(error)),
            (came, broken) => {
                self.broken = broken;
                came
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

fn is_broken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}
