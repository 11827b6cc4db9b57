//! Names to addresses, in time. Its errors arrive classed.

use std::net::IpAddr;
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::clock::Clock;
use super::fault::classed;
use crate::base_url::without_brackets;
use crate::error::NetworkError;

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
        let bare = without_brackets(host);
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
