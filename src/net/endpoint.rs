//! Where requests go, how to get there, and what is sent along with each.

use std::path::PathBuf;
use std::time::Duration;

use crate::net::base_url::BaseUrl;
use crate::secret::{Secret, Secrets};

#[derive(Debug)]
pub struct Endpoint {
    pub base_url: BaseUrl,
    pub key: Option<Secret>,
    /// Names and values, each name once.
    pub headers: Vec<(String, String)>,
    pub timeouts: Timeouts,
    /// How many times a request is tried again.
    pub retries: u32,
    /// A PEM file of certificate authorities to trust instead of the bundled
    /// ones.
    pub ca_file: Option<PathBuf>,
    /// The proxy's URL, with a scheme and a port.
    pub proxy: Option<String>,
    /// What is masked in everything that the server says.
    pub secrets: Secrets,
}

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For name resolution, TCP, proxy and TLS together.
    pub connect: Duration,
    /// For the server to send something that counts.
    pub idle: Duration,
    /// For everything, waits and retries included.
    pub deadline: Option<Duration>,
}
