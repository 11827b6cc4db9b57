//! Connecting to a server: TCP, proxy and TLS, one layer over the other.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::http::Uri;
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, SocksConnector, Transport,
};

use crate::error::NetworkError;
use crate::net::clock::Clock;
use crate::net::error::into_ureq;
use crate::net::observer::{NetEvent, NetObserver};
use crate::net::tcp::TcpConnector;
use crate::net::timed::{StatusLineWatcher, TimedConnector};
use crate::net::tls::TlsConnector;

/// Makes a connection over TCP, through the proxy if one is set, and with TLS
/// for an `https` URL. Its errors are gravix errors, wrapped by [`into_ureq`].
pub struct LayeredConnector {
    clock: Arc<Clock>,
    observer: Arc<dyn NetObserver>,
    layers: Box<dyn Connector<(), Out = Box<dyn Transport>>>,
    /// Set while a connection is being made: a call meanwhile comes from ureq's
    /// proxy layer and connects to the proxy.
    is_connecting: AtomicBool,
}

impl LayeredConnector {
    pub fn new(clock: Arc<Clock>, tls: TlsConnector, observer: Arc<dyn NetObserver>) -> Self {
        let layers =
            ().chain(SocksConnector::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector)
                .chain(TimedConnector { clock: Arc::clone(&clock) })
                .chain(tls)
                .chain(StatusLineWatcher { clock: Arc::clone(&clock) });
        Self { clock, observer, layers: Box::new(layers), is_connecting: AtomicBool::new(false) }
    }

    fn connect_with_timeout(
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
            // The limit that was nearer at the start, whichever layer it ended.
            ureq::Error::Timeout(_) => into_ureq(self.clock.timeout_error(timeout.reason)),
            ureq::Error::Io(source) => {
                let is_proxied = is_proxy || details.config.proxy().is_some();
                into_ureq(NetworkError::Connect { target, is_proxied, source })
            }
            ureq::Error::ConnectProxyFailed(reason) => into_ureq(proxy_error(&reason)),
            ureq::Error::Protocol(reason) if details.config.proxy().is_some() => {
                let reason = format!("it does not speak valid HTTP: {reason}");
                into_ureq(NetworkError::Proxy { reason, is_final: true })
            }
            other => other,
        })
    }
}

impl Connector for LayeredConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let is_nested = self.is_connecting.swap(true, Ordering::Relaxed);
        self.clock.connecting();
        let connection = self.connect_with_timeout(details, is_nested);
        if !is_nested {
            self.is_connecting.store(false, Ordering::Relaxed);
            self.clock.connected();
        }
        connection
    }
}

impl Debug for LayeredConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layers.fmt(f)
    }
}

/// What a connection is made to, for messages: `host:port`, and the proxy
/// without its password.
fn target(details: &ConnectionDetails, is_proxy: bool) -> String {
    let host_and_port = |uri: &Uri| {
        let port = uri.port_u16().unwrap_or(if details.needs_tls() { 443 } else { 80 });
        format!("{}:{port}", uri.host().unwrap_or_default())
    };
    match details.config.proxy() {
        _ if is_proxy => format!("the proxy {}", host_and_port(details.uri)),
        Some(proxy) => format!(
            "{} through the proxy {}",
            host_and_port(details.uri),
            host_and_port(proxy.uri())
        ),
        None => host_and_port(details.uri),
    }
}

/// Converts ureq's text for a refused CONNECT: "proxy server responded 407/407".
fn proxy_error(reason: &str) -> NetworkError {
    match reason.strip_prefix("proxy server responded ").and_then(|status| status.split('/').next())
    {
        Some(status) => NetworkError::Proxy {
            reason: format!("it answered CONNECT with {status}"),
            is_final: status.starts_with('4'),
        },
        None => NetworkError::Proxy { reason: reason.to_owned(), is_final: false },
    }
}
