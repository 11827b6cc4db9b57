//! The socket under ureq, so that whoever reads a body learns when the next
//! bytes have to be waited for. Knows no HTTP.

use std::fmt::Debug;
use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
    TcpConnector, Transport,
};

/// Shared by a client and its sockets.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    announces: Arc<AtomicBool>,
}

impl Watch {
    /// From now on a read reports [`ErrorKind::WouldBlock`] once before it
    /// waits for the network. The next call waits.
    pub fn announce_waits(&self) {
        self.announces.store(true, Ordering::Relaxed);
    }
}

/// TCP, through a proxy if there is one, watched, with TLS on top.
pub fn connector(watch: Watch) -> impl Connector {
    ().chain(ConnectProxyConnector::default())
        .chain(TcpConnector::default())
        .chain(watch)
        .chain(RustlsConnector::default())
}

impl<In: Transport> Connector<In> for Watch {
    type Out = Watched<In>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|socket| Watched { socket, watch: self.clone(), is_announced: false }))
    }
}

#[derive(Debug)]
pub struct Watched<T> {
    socket: T,
    watch: Watch,
    is_announced: bool,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.socket.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.socket.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        if self.watch.announces.load(Ordering::Relaxed) {
            self.is_announced = !self.is_announced;
            if self.is_announced {
                return Err(ureq::Error::Io(Error::from(ErrorKind::WouldBlock)));
            }
        }
        self.socket.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.socket.is_open()
    }

    fn is_tls(&self) -> bool {
        self.socket.is_tls()
    }
}
