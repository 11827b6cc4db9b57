//! ureq's SOCKS layer, tried again if the process was stopped in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{ConnectionDetails, Connector, SocksConnector, Transport};

use crate::net::clock::Clock;

/// How late a timer is at most, besides an eighth of its time, if the process was
/// not stopped: Linux rounds short times up to 10 ms, and a busy machine adds to it.
const LATENESS: Duration = Duration::from_millis(100);

/// Connects through a SOCKS proxy. ureq makes the connection and speaks with the
/// proxy by itself, and counts the time in which the process is stopped.
#[derive(Debug)]
pub struct PatientSocks {
    clock: Arc<Clock>,
    inner: SocksConnector,
}

impl PatientSocks {
    pub fn new(clock: &Arc<Clock>) -> Self {
        Self { clock: Arc::clone(clock), inner: SocksConnector::default() }
    }
}

impl<In: Transport> Connector<In> for PatientSocks {
    type Out = <SocksConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if chained.is_some() {
            return self.inner.connect(details, chained);
        }
        loop {
            let timeout = self.clock.next_timeout();
            let limit = *timeout.after;
            if limit.is_zero() {
                return Err(ureq::Error::Timeout(timeout.reason));
            }
            let details = ConnectionDetails {
                uri: details.uri,
                addrs: details.addrs.clone(),
                config: details.config,
                request_level: details.request_level,
                resolver: details.resolver,
                now: (details.current_time)(),
                timeout,
                current_time: Arc::clone(&details.current_time),
                run_connector: Arc::clone(&details.run_connector),
                register_shutdown: Arc::clone(&details.register_shutdown),
            };
            let began = Instant::now();
            let connected = self.inner.connect(&details, None);
            let time = began.elapsed();
            match connected {
                // Nothing has been sent to the server yet.
                Err(ureq::Error::Timeout(_)) if time > limit + limit / 4 + LATENESS => {}
                Err(ureq::Error::Timeout(_)) => return Err(ureq::Error::Timeout(timeout.reason)),
                connected => {
                    // The resolver has counted its own part.
                    let counted = limit.saturating_sub(*self.clock.next_timeout().after);
                    self.clock.waited(limit, time.saturating_sub(counted));
                    return connected;
                }
            }
        }
    }
}
