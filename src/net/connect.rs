//! Addresses to connections: TCP, proxies and TLS in layers. Knows no HTTP.
//! Its errors arrive classed, inside `ureq::Error::Other`.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::http::Uri;
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, SocksConnector, Transport,
};

use crate::error::NetworkError;
use crate::net::clock::Clock;
use crate::net::error::classed;
use crate::net::observer::{NetEvent, NetObserver};
use crate::net::tcp::TcpConnector;
use crate::net::timed::{StatusLineWatcher, Timed};
use crate::net::tls::TlsConnector;

/// Makes connections: TCP, through a proxy if there is one, with TLS on top
/// where the URL says so.
pub struct TimedConnector {
    clock: Arc<Clock>,
    observer: Arc<dyn NetObserver>,
    layers: Box<dyn Connector<(), Out = Box<dyn Transport>>>,
    /// A connection to a proxy is made in the course of another one.
    is_under_way: AtomicBool,
}

impl TimedConnector {
    pub fn new(clock: Arc<Clock>, tls: TlsConnector, observer: Arc<dyn NetObserver>) -> Self {
        let layers =
            ().chain(SocksConnector::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector)
                .chain(Timed { clock: Arc::clone(&clock) })
                .chain(tls)
                .chain(StatusLineWatcher { clock: Arc::clone(&clock) });
        Self { clock, observer, layers: Box::new(layers), is_under_way: AtomicBool::new(false) }
    }

    fn connect_in_time(
        &self,
        details: &ConnectionDetails,
        is_proxy: bool,
    ) -> Result<Option<Box<dyn Transport>>, ureq::Error> {
        let mut addrs = details.resolver.empty();
        details.addrs.iter().for_each(|address| addrs.push(*address));
        let target = target(details, is_proxy);
        self.observer.observe(&NetEvent::Connecting { target: &target, addresses: &addrs });
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
            ureq::Error::Io(source) => {
                let is_proxied = is_proxy || details.config.proxy().is_some();
                classed(NetworkError::Connect { target, is_proxied, source })
            }
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
        self.clock.fresh();
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
