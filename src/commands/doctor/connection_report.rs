//! How far a request has got on its way to the server, as `gravix doctor` reports it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::commands::doctor::report::{Finding, Report, Step};
use crate::commands::observers::NetworkLog;
use crate::error::{Error, NetworkError, Result};
use crate::net::base_url::BaseUrl;
use crate::net::endpoint::Endpoint;
use crate::net::observer::{NetEvent, NetObserver};

/// Observes a request, and reports each step of its connection when it is done.
pub struct ConnectionReport {
    log: NetworkLog,
    known: Known,
    progress: Mutex<Progress>,
}

/// What is known of the connection beforehand.
struct Known {
    /// `None` for the mock server.
    host: Option<String>,
    is_secure: bool,
    is_proxied: bool,
    /// Says which certificates are trusted.
    trust: String,
}

struct Progress {
    report: Report,
    /// What the connection is made to.
    target: Option<String>,
    /// The server has answered.
    is_answered: bool,
    /// Why a line could not be printed.
    failure: Option<Error>,
}

impl ConnectionReport {
    pub fn new(endpoint: &Endpoint, report: Report, log: NetworkLog) -> Self {
        let (host, is_secure) = match &endpoint.base_url {
            BaseUrl::Mock => (None, false),
            BaseUrl::Http(url) => (Some(url.host.clone()), url.is_secure()),
        };
        let trust = match &endpoint.ca_file {
            Some(file) => format!("the certificate is trusted because of {}", file.display()),
            None => "the certificate is trusted".to_owned(),
        };
        let known = Known { host, is_secure, is_proxied: endpoint.proxy.is_some(), trust };
        let progress = Progress { report, target: None, is_answered: false, failure: None };
        Self { log, known, progress: Mutex::new(progress) }
    }

    /// Reports a step after the connection.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::StdoutClosed`], also of an earlier line.
    pub fn print(&self, step: Step, finding: Finding, detail: String) -> Result<()> {
        let mut progress = self.progress();
        self.report_earlier(&mut progress, step)?;
        progress.report.print(step, finding, detail)?;
        progress.failure.take().map_or(Ok(()), Err)
    }

    /// Reports the steps before the one that `error` belongs to. After that, this is
    /// the current one of the report.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::StdoutClosed`], also of an earlier line.
    pub fn report_steps_before(&self, error: &Error) -> Result<()> {
        let mut progress = self.progress();
        let step = match error {
            Error::ProxyLogin { .. } | Error::Network(NetworkError::Proxy { .. }) => None,
            Error::Certificate { .. }
            | Error::TlsMismatch { .. }
            | Error::Network(NetworkError::Tls { .. }) => Some(Step::Tls),
            _ if progress.is_answered => Some(Step::Models),
            _ => None,
        };
        step.map_or(Ok(()), |step| self.report_earlier(&mut progress, step))?;
        progress.failure.take().map_or(Ok(()), Err)
    }

    /// Gives access to the report.
    pub fn with_report<T>(&self, work: impl FnOnce(&mut Report) -> T) -> T {
        work(&mut self.progress().report)
    }

    /// Nothing that is left half done by a panic matters here.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports the steps before `step` that are not reported yet.
    fn report_earlier(&self, progress: &mut Progress, step: Step) -> Result<()> {
        let target = progress.target.clone().unwrap_or_default();
        let ways = [
            (Step::Dns, "not used".to_owned()),
            (Step::Connection, target),
            (Step::Tls, "not used".to_owned()),
        ];
        for (earlier, detail) in ways {
            if earlier < step && earlier >= progress.report.current() {
                progress.report.print(earlier, Finding::Fine, detail)?;
            }
        }
        Ok(())
    }

    /// What the name of the server, or of the proxy, is resolved to.
    fn resolved(&self, target: &str, addresses: &[SocketAddr]) -> String {
        match &self.known.host {
            None => "not used".to_owned(),
            Some(_) if self.known.is_proxied => found(target, addresses),
            Some(host) if host.parse::<IpAddr>().is_ok() => {
                format!("not used: {host} is an address")
            }
            Some(host) => found(host, addresses),
        }
    }

    fn follow(&self, progress: &mut Progress, event: &NetEvent<'_>) -> Result<()> {
        let Known { host, is_secure, is_proxied, trust } = &self.known;
        match event {
            NetEvent::Connecting { target, addresses } => {
                progress.target.get_or_insert_with(|| (*target).to_owned());
                // A proxy that opens a tunnel has addresses of its own.
                if addresses.is_empty() {
                    return Ok(());
                }
                let detail = self.resolved(target, addresses);
                progress.report.print(Step::Dns, Finding::Fine, detail)
            }
            // The connection to the proxy is not yet one to the server.
            NetEvent::Connected { .. } if *is_proxied => Ok(()),
            NetEvent::Connected { address } => {
                let detail = match host {
                    None => format!("the mock server, {address}"),
                    Some(_) => address.to_string(),
                };
                progress.report.print(Step::Connection, Finding::Fine, detail)?;
                if *is_secure { Ok(()) } else { self.report_earlier(progress, Step::Models) }
            }
            NetEvent::Secured { host: peer, version } if *is_secure => {
                if host.as_deref().is_some_and(|host| host.eq_ignore_ascii_case(bare(peer))) {
                    self.report_earlier(progress, Step::Tls)?;
                    let detail = format!("{version}, {trust}");
                    progress.report.print(Step::Tls, Finding::Fine, detail)?;
                }
                Ok(())
            }
            NetEvent::Response { .. } => {
                progress.is_answered = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn bare(host: &str) -> &str {
    host.trim_matches(['[', ']'])
}

fn found(name: &str, addresses: &[SocketAddr]) -> String {
    let plural = if addresses.len() == 1 { "" } else { "es" };
    format!("{name}: {} address{plural}", addresses.len())
}

impl NetObserver for ConnectionReport {
    fn observe(&self, event: &NetEvent<'_>) {
        self.log.observe(event);
        let mut progress = self.progress();
        if let Err(error) = self.follow(&mut progress, event) {
            progress.failure.get_or_insert(error);
        }
    }
}
