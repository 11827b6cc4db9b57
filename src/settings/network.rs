//! Options and environment, checked and made into what they mean here.
//! Nothing later checks again.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::ask_args::ModelArgs;
use crate::cli::{Header, NetworkArgs};
use crate::error::{Error, Result};
use crate::net::base_url::{BaseUrl, is_loopback};
use crate::output::notes::Notes;
use crate::secret::{KEY_VARIABLE, Secret};
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::{key, proxy};

pub const DEFAULT_BASE_URL: &str = "https://api.gravixlayer.com/v1/inference";
const DEFAULT_HOST: &str = "api.gravixlayer.com";
pub const DEFAULT_MODEL: &str = "llama3.1:8b-instruct-fp16";
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
pub const DEFAULT_RETRIES: u32 = 2;

/// How many stop sequences the API takes.
pub const MAX_STOPS: usize = 4;

/// Where the API is, how to reach it, and how to be let in.
#[derive(Debug)]
pub struct Network {
    pub base_url: BaseUrl,
    pub key: Option<Secret>,
    pub headers: Vec<Header>,
    pub limits: Timeouts,
    pub retries: u32,
    /// A file of issuers to trust in place of the bundled ones.
    pub ca_file: Option<PathBuf>,
    /// The proxy's URL, with a scheme and a port.
    pub proxy: Option<String>,
}

/// How long an exchange may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For name lookup, TCP, proxy and TLS together.
    pub connect: Duration,
    /// For the server to send something that counts.
    pub idle: Duration,
    /// For everything, waits and tries included.
    pub deadline: Option<Duration>,
}

impl Network {
    /// All but the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn resolve(args: &NetworkArgs, environment: &Environment) -> Result<Self> {
        let base_url = match &args.base_url {
            Some(text) => text,
            None => environment.text("GRAVIX_BASE_URL")?.unwrap_or(DEFAULT_BASE_URL),
        };
        let base_url = BaseUrl::parse(base_url)?;
        let mut network = Self {
            base_url,
            key: None,
            headers: latest(&args.headers),
            limits: Timeouts {
                connect: args.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT),
                idle: args.idle_timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT),
                deadline: args.deadline,
            },
            retries: args.retries.unwrap_or(DEFAULT_RETRIES),
            ca_file: None,
            proxy: None,
        };
        if let BaseUrl::Http { url, host } = &network.base_url {
            let is_secure = url.starts_with("https:");
            let scheme = if is_secure { "https" } else { "http" };
            network.proxy = proxy::for_host(scheme, host, environment)?;
            let has_secure_proxy =
                network.proxy.as_ref().is_some_and(|proxy| proxy.starts_with("https:"));
            if is_secure || has_secure_proxy {
                let variable = environment.get("SSL_CERT_FILE").map(PathBuf::from);
                network.ca_file = args.ca_cert.clone().or(variable);
            }
        }
        Ok(network)
    }

    /// Gets the key, where one is to be sent.
    ///
    /// # Errors
    /// [`Error::Config`] where there is none, and those of
    /// [`Self::ensure_key_may_go`] and [`key::find`].
    pub fn find_key(&mut self, args: &NetworkArgs, context: &Context, notes: &Notes) -> Result<()> {
        let BaseUrl::Http { host, .. } = &self.base_url else {
            return Ok(());
        };
        self.ensure_key_may_go(args, context)?;
        self.key = key::find(&context.key, context.environment, notes)?;
        match &self.key {
            Some(key) => notes.keep_secret(key.clone()),
            None if host == DEFAULT_HOST => {
                return Err(Error::Config(format!(
                    "no API key for {host}: set {KEY_VARIABLE}, or try --base-url mock:"
                )));
            }
            None => {}
        }
        Ok(())
    }

    /// A key crosses no network in the clear unless the user allows it.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn ensure_key_may_go(&self, args: &NetworkArgs, context: &Context) -> Result<()> {
        let BaseUrl::Http { url, host } = &self.base_url else {
            return Ok(());
        };
        // Through a proxy a request leaves this machine wherever it goes.
        let is_private = url.starts_with("https:") || (is_loopback(host) && self.proxy.is_none());
        if is_private || args.allow_http || !self.wants_key(context) {
            return Ok(());
        }
        let without = match context.key {
            KeySource::Default => format!("unset {KEY_VARIABLE}, "),
            _ => String::new(),
        };
        Err(Error::Config(format!(
            "the key would cross the network in the clear to {url}: use https, {without}or allow it with --allow-http"
        )))
    }

    /// Whether a key is to be sent, without getting it.
    pub fn wants_key(&self, context: &Context) -> bool {
        match &self.base_url {
            BaseUrl::Mock => false,
            BaseUrl::Http { host, .. } => {
                context.key != KeySource::Default
                    || host == DEFAULT_HOST
                    || context.environment.get(KEY_VARIABLE).is_some()
            }
        }
    }
}

/// Headers, of which a later one replaces those of its name before it.
fn latest(headers: &[Header]) -> Vec<Header> {
    let mut kept: Vec<Header> = Vec::new();
    for header in headers {
        kept.retain(|known| !known.0.eq_ignore_ascii_case(&header.0));
        kept.push(header.clone());
    }
    kept
}

/// The model's name: option, environment, or the default one.
///
/// # Errors
/// [`Error::Usage`], also for parameters that no model takes.
pub fn model(args: &ModelArgs, environment: &Environment) -> Result<String> {
    if args.stop.len() > MAX_STOPS {
        return Err(Error::Usage(format!("--stop can be given {MAX_STOPS} times at most")));
    }
    match &args.model {
        Some(name) if name.is_empty() => Err(Error::Usage("the model's name is empty".to_owned())),
        Some(name) => Ok(name.clone()),
        None => Ok(environment.text("GRAVIX_MODEL")?.unwrap_or(DEFAULT_MODEL).to_owned()),
    }
}
