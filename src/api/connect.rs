//! Names to addresses, addresses to connections, and sockets that keep the
//! clock. Knows no HTTP. Its errors arrive classed, inside `ureq::Error::Other`.

use std::fmt::{self, Debug};
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, SocksConnector,
    Transport,
};

use super::clock::Clock;
use super::fault::classed;
use super::tcp::TcpConnector;
use super::tls::TlsConnector;
use crate::error::NetworkError;
use crate::notes::Notes;

/// Looks names up within the clock's limits.
#[derive(Debug)]
pub struct TimedResolver {
    pub clock: Arc<Clock>,
}

impl Resolver for TimedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        // A timeout costs a thread, which an address or localhost can do without.
        let is_local = bare == "localhost" || bare.parse::<IpAddr>().is_ok();
        let timeout = if is_local { NextTimeout::default() } else { self.clock.next_timeout() };
        DefaultResolver::default().resolve(uri, config, timeout).map_err(|error| {
            let is_proxy = config.proxy().is_some_and(|proxy| proxy.uri().host() == uri.host());
            classed(lookup_failure(error, bare, is_proxy, &self.clock))
        })
    }
}

fn lookup_failure(error: ureq::Error, host: &str, is_proxy: bool, clock: &Clock) -> NetworkError {
    let reason = match error {
        ureq::Error::Timeout(reason) => return clock.expired(reason),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    // "failed to lookup address information: Name or service not known"
    let reason = reason.rsplit(": ").next().unwrap_or_default().to_owned();
    if is_proxy {
        let reason = format!("its host {host} cannot be found ({reason})");
        return NetworkError::Proxy { reason, is_final: true };
    }
    NetworkError::Lookup { host: host.to_owned(), reason }
}

/// Makes connections: TCP, through a proxy if there is one, with TLS on top
/// where the URL says so.
pub struct TimedConnector {
    clock: Arc<Clock>,
    notes: Notes,
    layers: Box<dyn Connector<(), Out = Box<dyn Transport>>>,
    /// A connection to a proxy is made in the course of another one.
    is_under_way: AtomicBool,
}

impl TimedConnector {
    pub fn new(clock: Arc<Clock>, tls: TlsConnector, notes: Notes) -> Self {
        let layers =
            ().chain(SocksConnector::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector)
                .chain(Timed { clock: Arc::clone(&clock) })
                .chain(tls)
                .chain(Heard { clock: Arc::clone(&clock) });
        Self { clock, notes, layers: Box::new(layers), is_under_way: AtomicBool::new(false) }
    }

    fn connect_in_time(
        &self,
        details: &ConnectionDetails,
        is_proxy: bool,
    ) -> Result<Option<Box<dyn Transport>>, ureq::Error> {
        let mut addrs = details.resolver.empty();
        details.addrs.iter().for_each(|address| addrs.push(*address));
        let target = target(details, is_proxy);
        let mut shown = vec![target.clone()];
        shown.extend(addrs.iter().map(ToString::to_string).filter(|address| *address != target));
        self.notes.detail(format_args!("* connecting to {}", shown.join(", ")));
        let timeout = self.clock.next_timeout();
        let timed = ConnectionDetails {
            uri: details.uri,
            addrs,
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        self.layers.connect(&timed, None).map_err(|error| match error {
            // Whichever phase it was in, the shorter limit ended it.
            ureq::Error::Timeout(_) => classed(self.clock.expired(timeout.reason)),
            ureq::Error::Io(source) => classed(NetworkError::Connect { target, source }),
            ureq::Error::ConnectProxyFailed(reason) => classed(proxy_failure(&reason)),
            ureq::Error::Protocol(reason) if details.config.proxy().is_some() => {
                let reason = format!("it does not speak HTTP as it should: {reason}");
                classed(NetworkError::Proxy { reason, is_final: true })
            }
            other => other,
        })
    }
}

impl Connector for TimedConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let is_nested = self.is_under_way.swap(true, Ordering::Relaxed);
        let connection = self.connect_in_time(details, is_nested);
        if !is_nested {
            self.is_under_way.store(false, Ordering::Relaxed);
            self.clock.connected();
        }
        connection
    }
}

impl Debug for TimedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layers.fmt(f)
    }
}

/// Whom a connection is made to, without any password.
fn target(details: &ConnectionDetails, is_proxy: bool) -> String {
    let place = |uri: &Uri| {
        let port = uri.port_u16().unwrap_or(if details.needs_tls() { 443 } else { 80 });
        format!("{}:{port}", uri.host().unwrap_or_default())
    };
    match details.config.proxy() {
        _ if is_proxy => format!("the proxy {}", place(details.uri)),
        Some(proxy) => format!("{} through the proxy {}", place(details.uri), place(proxy.uri())),
        None => place(details.uri),
    }
}

/// What a proxy answered to CONNECT: "proxy server responded 407/407".
fn proxy_failure(reason: &str) -> NetworkError {
    match reason.strip_prefix("proxy server responded ").and_then(|status| status.split('/').next())
    {
        Some(status) => NetworkError::Proxy {
            reason: format!("it answered CONNECT with {status}"),
            is_final: status.starts_with('4'),
        },
        None => NetworkError::Proxy { reason: reason.to_owned(), is_final: false },
    }
}

/// The last layer: tells the clock when the status line has come.
#[derive(Debug)]
struct Heard {
    clock: Arc<Clock>,
}

impl<In: Transport> Connector<In> for Heard {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let clock = || Arc::clone(&self.clock);
        Ok(chained.map(|inner| Box::new(HeardTransport { inner, clock: clock() }) as Self::Out))
    }
}

#[derive(Debug)]
struct HeardTransport<T> {
    inner: T,
    clock: Arc<Clock>,
}

impl<T: Transport> Transport for HeardTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
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
struct Timed {
    clock: Arc<Clock>,
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
struct TimedSocket<T> {
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
