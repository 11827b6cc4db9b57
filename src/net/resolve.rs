//! Resolving host names within the clock's limits.

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
use crate::net::error::into_ureq;

/// How long resolved addresses are cached. ureq resolves before each request,
/// even if it then reuses a connection.
const CACHE_TIME: Duration = Duration::from_secs(10);

/// Its errors are gravix errors, wrapped by [`into_ureq`].
#[derive(Debug)]
pub struct TimedResolver {
    clock: Arc<Clock>,
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
    pub fn new(clock: Arc<Clock>, is_cached: bool) -> Self {
        Self { clock, cache: is_cached.then(Mutex::default) }
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
    fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetworkError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        // getaddrinfo(3) has no timeout, so it runs in a thread, which localhost
        // does not need.
        let found = match is_local(host) {
            true => look_up(host, port),
            false => {
                let timeout = self.clock.next_timeout();
                let (sender, receiver) = mpsc::sync_channel(1);
                let name = host.to_owned();
                // After a timeout nobody receives the result.
                thread::spawn(move || drop(sender.send(look_up(&name, port))));
                let found = receiver.recv_timeout(*timeout.after);
                found.map_err(|_| self.clock.timeout_error(timeout.reason))?
            }
        };
        found.map_err(|error| resolve_error(error, host))
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

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok()
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

fn proxy_error(error: NetworkError) -> NetworkError {
    match error {
        NetworkError::Resolve { host, reason, is_temporary } => NetworkError::Proxy {
            reason: format!("its host {host} cannot be found ({reason})"),
            is_final: !is_temporary,
        },
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

    #[test]
    fn an_address_needs_no_resolver() {
        for (host, port, address) in [("127.0.0.1", 80, "127.0.0.1:80"), ("::1", 8, "[::1]:8")] {
            let clock = Arc::new(Clock::start(TIMEOUTS));
            let found = TimedResolver::new(clock, false).addresses(host, port);
            assert_eq!(found.expect("an address"), [address.parse().expect("an address")]);
        }
    }

    const TIMEOUTS: crate::net::endpoint::Timeouts = crate::net::endpoint::Timeouts {
        connect: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        deadline: None,
    };
}
