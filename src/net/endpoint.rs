//! The settings of a connection to the API.

use std::path::PathBuf;
use std::time::Duration;

use crate::net::base_url::BaseUrl;
use crate::net::proxy::ProxySetting;
use crate::secret::{Secret, Secrets};

/// Where requests go and how they are sent.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub base_url: BaseUrl,
    pub key: Option<Secret>,
    /// Pairs of a name and a value. Names are unique.
    pub headers: Vec<(String, String)>,
    pub timeouts: Timeouts,
    /// How many times a request is retried.
    pub retries: u32,
    /// A PEM file of certificate authorities that replace the bundled ones.
    pub ca_file: Option<PathBuf>,
    pub proxy: Option<ProxySetting>,
    /// Masked in every text from the server.
    pub secrets: Secrets,
}

/// Time limits of a request.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For name resolution, TCP, proxy and TLS together.
    pub connect: Duration,
    /// For silence of the server. Keep-alive comments do not end it.
    pub idle: Duration,
    /// For the whole request, including waits and retries.
    pub deadline: Option<Duration>,
}
