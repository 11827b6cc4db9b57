//! Names to addresses, in time. Its errors arrive classed.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::error::NetworkError;
use crate::net::base_url::without_brackets;
use crate::net::clock::Clock;
use crate::net::error::classed;

/// For so long addresses are as good as new where connections are kept: ureq
/// asks for them before each request.
const KEPT: Duration = Duration::from_secs(10);

/// Looks names up within the clock's limits.
#[derive(Debug)]
pub struct TimedResolver {
    clock: Arc<Clock>,
    /// Those of one host, where they are kept at all.
    kept: Option<Mutex<Option<CachedAddresses>>>,
}

#[derive(Debug)]
struct CachedAddresses {
    uri: Uri,
    since: Instant,
    addresses: Vec<SocketAddr>,
}

impl TimedResolver {
    pub fn new(clock: Arc<Clock>, keeps: bool) -> Self {
        Self { clock, kept: keeps.then(Mutex::default) }
    }
}

impl Resolver for TimedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let bare = without_brackets(host);
        // A timeout costs a thread, which an address or localhost can do without.
        let is_local = bare == "localhost" || bare.parse::<IpAddr>().is_ok();
        let timeout = if is_local { NextTimeout::default() } else { self.clock.next_timeout() };
        if is_local {
            return self.look_up(uri, config, timeout, bare);
        }
        let mut kept = self.kept.as_ref().map(|kept| {
            // Nothing that holds the lock can panic.
            kept.lock().unwrap_or_else(PoisonError::into_inner)
        });
        if let Some(Some(kept)) = kept.as_deref()
            && kept.uri == *uri
            && kept.since.elapsed() < KEPT
        {
            let mut addresses = self.empty();
            kept.addresses.iter().for_each(|address| addresses.push(*address));
            return Ok(addresses);
        }
        let found = self.look_up(uri, config, timeout, bare)?;
        if let Some(kept) = kept.as_deref_mut() {
            let addresses = found.to_vec();
            *kept = Some(CachedAddresses { uri: uri.clone(), since: Instant::now(), addresses });
        }
        Ok(found)
    }
}

impl TimedResolver {
    fn look_up(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
        host: &str,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        DefaultResolver::default().resolve(uri, config, timeout).map_err(|error| {
            let is_proxy = config.proxy().is_some_and(|proxy| proxy.uri().host() == uri.host());
            classed(lookup_failure(error, host, is_proxy, &self.clock))
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
