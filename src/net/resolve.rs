//! Resolving host names within the clock's limits.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use nix::net::if_::if_nametoindex;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::error::{Error, NetworkError, Reason, Result, is_out_of_files};
use crate::net::base_url::{is_localhost, without_brackets, without_final_dot};
use crate::net::clock::Clock;
use crate::net::error::into_ureq;
use crate::net::proxy::{ProxyServer, Route};
use crate::net::server::Server;

/// How long resolved addresses are cached. ureq resolves before each request,
/// even if it then reuses a connection.
const CACHE_TIME: Duration = Duration::from_secs(10);

/// Its errors are gravix errors, wrapped by [`into_ureq`].
#[derive(Debug)]
pub struct TimedResolver {
    clock: Arc<Clock>,
    route: Arc<Route>,
    /// The network interface of the server's address.
    zone: Option<String>,
    /// The addresses of the last host; `None` if caching is off.
    cache: Option<Mutex<Option<CachedAddresses>>>,
}

#[derive(Debug)]
struct CachedAddresses {
    uri: Uri,
    since: Instant,
    addresses: Vec<SocketAddr>,
}

impl TimedResolver {
    pub fn new(clock: Arc<Clock>, server: &Server, is_cached: bool) -> Self {
        let (route, zone) = (Arc::clone(&server.route), server.zone.clone());
        Self { clock, route, zone, cache: is_cached.then(Mutex::default) }
    }
}

impl Resolver for TimedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let uri = self.route.forward().map_or(uri, ProxyServer::uri);
        let is_proxy = self.route.server().is_some_and(|proxy| proxy.uri().host() == uri.host());
        let host = without_brackets(uri.host().unwrap_or_default());
        let port = port(uri);
        let resolve = || {
            let found = self.addresses(host, port);
            found.map_err(|error| into_ureq(if is_proxy { proxy_error(error) } else { error }))
        };
        let Some(cache) = self.cache.as_ref().filter(|_| !is_local(host)) else {
            return Ok(self.to_ureq(&resolve()?));
        };
        // The cache is only replaced as a whole, so a panic cannot break it.
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cache.as_ref()
            && cached.uri == *uri
            && cached.since.elapsed() < CACHE_TIME
        {
            return Ok(self.to_ureq(&cached.addresses));
        }
        let addresses = resolve()?;
        let list = self.to_ureq(&addresses);
        *cache = Some(CachedAddresses { uri: uri.clone(), since: Instant::now(), addresses });
        Ok(list)
    }
}

impl TimedResolver {
    fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        if let Ok(address) = without_final_dot(host).parse::<IpAddr>() {
            let mut address = SocketAddr::new(address, port);
            if let (SocketAddr::V6(address), Some(zone)) = (&mut address, &self.zone) {
                address.set_scope_id(scope_id(zone).ok_or_else(|| zone_error(host, zone))?);
            }
            return Ok(vec![address]);
        }
        // getaddrinfo(3) has no timeout, so it runs in a thread, which localhost
        // does not need. Not every system knows the names below localhost.
        let found = match is_localhost(host) {
            true => look_up("localhost", port),
            false => {
                let (sender, receiver) = mpsc::sync_channel(1);
                let name = host.to_owned();
                // After a timeout nobody receives the result.
                thread::Builder::new()
                    .spawn(move || drop(sender.send(look_up(&name, port))))
                    .map_err(Error::no_thread)?;
                let found = self.clock.wait(|slice| match receiver.recv_timeout(slice) {
                    Err(RecvTimeoutError::Timeout) => None,
                    found => Some(found.expect("the thread sends what it found")),
                });
                found.map_err(|reason| self.clock.timeout_error(reason))?
            }
        };
        found.map_err(|error| match UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
            // getaddrinfo(3) takes a resolver that it cannot reach for an answer.
            Err(source) if is_out_of_files(&source) => {
                Error::Limit { action: format!("find the host {host}"), source }
            }
            _ => resolve_error(error, host).into(),
        })
    }

    /// The first addresses, as many as fit into ureq's array.
    fn to_ureq(&self, addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
        let mut list = self.empty();
        for address in addresses.iter().take(MAX_ADDRESSES) {
            list.push(*address);
        }
        list
    }
}

/// The capacity of ureq's `ResolvedSocketAddrs`.
const MAX_ADDRESSES: usize = 16;

/// Whether no server is asked for the addresses of `host`.
fn is_local(host: &str) -> bool {
    is_localhost(host) || without_final_dot(host).parse::<IpAddr>().is_ok()
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    })
}

fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, LookupError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), None, Some(hints))?.flatten();
    let with_port = |mut address: SocketAddr| {
        address.set_port(port);
        address
    };
    Ok(found.map(|info| with_port(info.sockaddr)).collect())
}

/// The error code of getaddrinfo(3) says whether the failure is temporary. Its
/// text differs between C libraries.
fn resolve_error(error: LookupError, host: &str) -> NetworkError {
    let is_temporary = matches!(error.kind(), LookupErrorKind::Again);
    let text = Reason(&io::Error::from(error)).to_string();
    // "failed to lookup address information: name or service not known"
    let reason = text.rsplit(": ").next().unwrap_or_default().to_owned();
    NetworkError::Resolve { host: host.to_owned(), reason, is_temporary }
}

/// The number of a network interface, which is given by its name or its number.
fn scope_id(zone: &str) -> Option<u32> {
    if_nametoindex(zone).ok().or_else(|| zone.parse().ok())
}

/// The error for an address whose zone is not one of this machine's interfaces.
fn zone_error(host: &str, zone: &str) -> Error {
    Error::Config(anyhow!("cannot reach {host}: this machine has no network interface {zone}"))
}

fn proxy_error(error: Error) -> Error {
    match error {
        Error::Network(NetworkError::Resolve { host, reason, is_temporary }) => {
            let reason = format!("its host {host} cannot be found ({reason})");
            NetworkError::Proxy { reason, is_final: !is_temporary }.into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolvers_code_says_whether_a_failure_is_temporary() {
        for (code, expected) in [
            (nix::libc::EAI_AGAIN, true),
            (nix::libc::EAI_NONAME, false),
            (nix::libc::EAI_FAIL, false),
        ] {
            match resolve_error(LookupError::new(code), "h") {
                NetworkError::Resolve { is_temporary, .. } => assert_eq!(is_temporary, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    fn addresses(host: &str, port: u16, zone: Option<&str>) -> Result<Vec<SocketAddr>> {
        let clock = Arc::new(Clock::start(TIMEOUTS));
        let (route, zone) = (Arc::new(Route::Direct), zone.map(str::to_owned));
        TimedResolver { clock, route, zone, cache: None }.addresses(host, port)
    }

    #[test]
    fn an_address_needs_no_resolver() {
        for (host, port, address) in [
            ("127.0.0.1", 80, "127.0.0.1:80"),
            ("127.0.0.1.", 80, "127.0.0.1:80"),
            ("::1", 8, "[::1]:8"),
        ] {
            let found = addresses(host, port, None).expect("an address");
            assert_eq!(found, [address.parse().expect("an address")]);
        }
    }

    #[test]
    fn names_below_localhost_are_this_machine() {
        for host in ["a.b.localhost", "LOCALHOST."] {
            let found = addresses(host, 80, None).expect("the name is known");
            assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
        }
    }

    #[test]
    fn a_zone_becomes_the_scope_of_the_address() {
        match addresses("fe80::1", 80, Some("lo")).expect("every machine has lo").as_slice() {
            [SocketAddr::V6(address)] => assert_ne!(address.scope_id(), 0),
            other => panic!("{other:?}"),
        }
        let error = addresses("fe80::1", 80, Some("nowhere0")).expect_err("there is no such zone");
        assert!(error.to_string().contains("no network interface nowhere0"), "{error}");
    }

    const TIMEOUTS: crate::net::endpoint::Timeouts = crate::net::endpoint::Timeouts {
        connect: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        deadline: None,
    };
}
