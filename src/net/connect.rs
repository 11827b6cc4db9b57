//! Connecting to a server: TCP, proxy and TLS, one layer over the other.

use std::fmt::{self, Debug};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, Transport,
};

use crate::error::{Error, NetworkError, is_out_of_files};
use crate::net::absolute_form::AbsoluteForm;
use crate::net::clock::Clock;
use crate::net::error::into_ureq;
use crate::net::observer::{NetEvent, NetObserver};
use crate::net::proxy::{ProxyServer, Route, is_login_refusal, is_other_socks};
use crate::net::server::Server;
use crate::net::socks::PatientSocks;
use crate::net::tcp::TcpConnector;
use crate::net::timed::{StatusLineWatcher, TimedConnector};

/// Makes a connection over TCP, through the proxy if one is set, and with TLS
/// for an `https` URL. Its errors are gravix errors, wrapped by [`into_ureq`].
pub struct LayeredConnector {
    clock: Arc<Clock>,
    observer: Arc<dyn NetObserver>,
    route: Arc<Route>,
    is_mock: bool,
    layers: Box<dyn Connector<(), Out = Box<dyn Transport>>>,
    /// Set while a connection is being made: a call meanwhile comes from ureq's
    /// proxy layer and connects to the proxy.
    is_connecting: AtomicBool,
}

impl LayeredConnector {
    pub fn new(clock: Arc<Clock>, server: &Server) -> Self {
        let layers = ()
            .chain(PatientSocks::new(&clock))
            .chain(ConnectProxyConnector::default())
            .chain(TcpConnector {
                clock: Arc::clone(&clock),
                observer: Arc::clone(&server.observer),
            })
            .chain(TimedConnector { clock: Arc::clone(&clock) })
            .chain(server.tls.clone())
            .chain(StatusLineWatcher { clock: Arc::clone(&clock) });
        Self {
            clock,
            observer: Arc::clone(&server.observer),
            route: Arc::clone(&server.route),
            is_mock: server.mock.is_some(),
            layers: Box::new(layers),
            is_connecting: AtomicBool::new(false),
        }
    }

    fn connect_with_timeout(
        &self,
        details: &ConnectionDetails,
        is_proxy: bool,
    ) -> Result<Option<Box<dyn Transport>>, ureq::Error> {
        let target = self.target(details, is_proxy);
        let connecting = NetEvent::Connecting { target: &target, addresses: &details.addrs };
        self.observer.observe(&connecting);
        let server = self.route.server();
        let alternative = server.and_then(|server| server.alternative.as_ref());
        let connected = match (self.connect_layers(details, details.config), alternative) {
            (Err(ureq::Error::Io(error)), Some(config)) if is_other_socks(&error) => {
                self.connect_layers(details, config)
            }
            (connected, _) => connected,
        };
        connected.map_err(|error| match (error, server) {
            (ureq::Error::Timeout(limit), _) => into_ureq(self.clock.timeout_error(limit)),
            (ureq::Error::Io(error), Some(server)) if is_login_refusal(&error) => {
                into_ureq(server.login_error(None))
            }
            (ureq::Error::Io(source), _) if is_out_of_files(&source) => {
                let action = format!("connect to {target}");
                into_ureq(Error::Limit { action, source })
            }
            (ureq::Error::Io(source), server) => {
                let is_proxied = server.is_some();
                into_ureq(NetworkError::Connect { target, is_proxied, source })
            }
            (ureq::Error::ConnectProxyFailed(reason), Some(server)) => {
                into_ureq(server.connect_error(&reason))
            }
            (ureq::Error::Protocol(reason), Some(_)) => {
                let reason = format!("it does not speak valid HTTP: {reason}");
                into_ureq(NetworkError::Proxy { reason, is_final: true })
            }
            (other, _) => other,
        })
    }

    /// Runs the layers with what is left of the connect timeout.
    fn connect_layers(
        &self,
        details: &ConnectionDetails,
        config: &Config,
    ) -> Result<Option<Box<dyn Transport>>, ureq::Error> {
        let needs_ipv4 = self.route.server().is_some_and(ProxyServer::needs_ipv4)
            && details.addrs.iter().any(SocketAddr::is_ipv4);
        let mut addrs = details.resolver.empty();
        let usable = details.addrs.iter().filter(|address| address.is_ipv4() || !needs_ipv4);
        usable.for_each(|address| addrs.push(*address));
        self.layers.connect(
            &ConnectionDetails {
                uri: self.route.forward().map_or(details.uri, ProxyServer::uri),
                addrs,
                config,
                request_level: details.request_level,
                resolver: details.resolver,
                now: details.now,
                timeout: self.clock.next_timeout(),
                current_time: Arc::clone(&details.current_time),
                run_connector: Arc::clone(&details.run_connector),
                register_shutdown: Arc::clone(&details.register_shutdown),
            },
            None,
        )
    }

    /// What a connection is made to, for messages: `host:port`, and the proxy
    /// without its password.
    fn target(&self, details: &ConnectionDetails, is_proxy: bool) -> String {
        let host_and_port = |uri: &Uri| {
            let port = uri.port_u16().unwrap_or(if details.needs_tls() { 443 } else { 80 });
            format!("{}:{port}", uri.host().unwrap_or_default())
        };
        match self.route.server() {
            _ if self.is_mock => "the mock server".to_owned(),
            _ if is_proxy => format!("the proxy {}", host_and_port(details.uri)),
            Some(server) => format!(
                "{} through the proxy {}",
                host_and_port(details.uri),
                host_and_port(server.uri())
            ),
            None => host_and_port(details.uri),
        }
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
        let connection = connection?;
        Ok(match self.route.forward() {
            Some(_) => {
                connection.map(|inner| Box::new(AbsoluteForm::new(inner, details.uri)) as Self::Out)
            }
            None => connection,
        })
    }
}

impl Debug for LayeredConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layers.fmt(f)
    }
}
