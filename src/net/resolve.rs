//! Names to addresses, in time. Its errors arrive classed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::error::{NetworkError, Reason};
use crate::net::base_url::without_brackets;
use crate::net::clock::Clock;
use crate::net::error::classed;

/// How long addresses are used again where connections are kept: ureq asks for
/// them before each request.
const KEPT: Duration = Duration::from_secs(10);

/// Resolves names within the clock's limits.
#[derive(Debug)]
pub struct TimedResolver {
    clock: Arc<Clock>,
    /// The addresses of one host; `None` if nothing is kept.
    cache: Option<Mutex<Option<CachedAddresses>>>,
}

#[derive(Debug)]
struct CachedAddresses {
    uri: Uri,
    since: Instant,
    addresses: Vec<SocketAddr>,
}

impl TimedResolver {
    pub fn new(clock: Arc<Clock>, keeps: bool) -> Self {
        Self { clock, cache: keeps.then(Mutex::default) }
    }
}

impl Resolver for TimedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let is_proxy = config.proxy().is_some_and(|proxy| proxy.uri().host() == uri.host());
        let host = without_brackets(uri.host().unwrap_or_default());
        let port = port(uri);
        let resolve = || {
            let found = self.addresses(host, port);
            found.map_err(|error| classed(if is_proxy { of_proxy(error) } else { error }))
        };
        let Some(cache) = self.cache.as_ref().filter(|_| !is_local(host)) else {
            return Ok(self.list(&resolve()?));
        };
        // Nothing that holds the lock can panic.
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cache.as_ref()
            && cached.uri == *uri
            && cached.since.elapsed() < KEPT
        {
            return Ok(self.list(&cached.addresses));
        }
        let addresses = resolve()?;
        let list = self.list(&addresses);
        *cache = Some(CachedAddresses { uri: uri.clone(), since: Instant::now(), addresses });
        Ok(list)
    }
}

impl TimedResolver {
    fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetworkError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        // A timeout costs a thread, which localhost can do without.
        let found = match is_local(host) {
            true => query(host, port),
            false => {
                let timeout = self.clock.next_timeout();
                let (done, found) = mpsc::sync_channel(1);
                let name = host.to_owned();
                // Nobody receives the answer if it comes too late.
                thread::spawn(move || drop(done.send(query(&name, port))));
                let found = found.recv_timeout(*timeout.after);
                found.map_err(|_| self.clock.expired(timeout.reason))?
            }
        };
        found.map_err(|error| failure(error, host))
    }

    /// As many addresses as ureq takes.
    fn list(&self, addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
        let mut list = self.empty();
        for address in addresses.iter().take(MAX_ADDRESSES) {
            list.push(*address);
        }
        list
    }
}

/// The size of ureq's array of addresses.
const MAX_ADDRESSES: usize = 16;

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok()
}

fn port(uri: &Uri) -> u16 {
    uri.port_u16().unwrap_or(match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    })
}

fn query(host: &str, port: u16) -> Result<Vec<SocketAddr>, LookupError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), None, Some(hints))?.flatten();
    let with_port = |mut address: SocketAddr| {
        address.set_port(port);
        address
    };
    Ok(found.map(|info| with_port(info.sockaddr)).collect())
}

/// getaddrinfo(3) says by its code whether the name does not exist or nobody
/// could be asked right now; its words differ between C libraries.
fn failure(error: LookupError, host: &str) -> NetworkError {
    let is_temporary = matches!(error.kind(), LookupErrorKind::Again);
    let text = Reason(&io::Error::from(error)).to_string();
    // "failed to lookup address information: name or service not known"
    let reason = text.rsplit(": ").next().unwrap_or_default().to_owned();
    NetworkError::Resolve { host: host.to_owned(), reason, is_temporary }
}

fn of_proxy(error: NetworkError) -> NetworkError {
    match error {
        NetworkError::Resolve { host, reason, is_temporary } => NetworkError::Proxy {
            reason: format!("its host {host} cannot be found ({reason})"),
            is_final: !is_temporary,
        },
        other => other,
    }
}
