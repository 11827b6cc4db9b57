//! The endpoint, its key and the model, from options, environment and settings.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;

use crate::cli::NetworkArgs;
use crate::cli::values::Header;
use crate::error::{Error, Result};
use crate::net::base_url::{BaseUrl, is_loopback};
use crate::net::endpoint::{Endpoint, Timeouts};
use crate::output::notes::Notes;
use crate::secret::header::is_secret_header;
use crate::secret::{KEY_VARIABLE, Secrets};
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;
use crate::settings::{key, proxy};

pub const DEFAULT_BASE_URL: &str = "https://api.gravixlayer.com/v1/inference";
pub const DEFAULT_HOST: &str = "api.gravixlayer.com";
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
pub const DEFAULT_RETRIES: u32 = 2;

/// The endpoint, without its key.
///
/// # Errors
/// [`Error::Config`] for an invalid base URL or proxy, or if one of their
/// variables is not UTF-8.
pub fn resolve(
    args: &NetworkArgs,
    environment: &Environment,
    secrets: &Secrets,
) -> Result<Endpoint> {
    let base_url = match &args.base_url {
        Some(text) => text,
        None => environment.text("GRAVIX_BASE_URL")?.unwrap_or(DEFAULT_BASE_URL),
    };
    let headers = last_of_each_name(&args.headers);
    let secret = headers.iter().filter(|(name, value)| is_secret_header(name, value));
    secret.for_each(|(name, value)| secrets.add_header(name, value));
    let mut endpoint = Endpoint {
        base_url: BaseUrl::parse(base_url)?,
        key: None,
        headers,
        timeouts: Timeouts {
            connect: args.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT),
            idle: args.idle_timeout.unwrap_or(DEFAULT_IDLE_TIMEOUT),
            deadline: args.deadline,
        },
        retries: args.retries.unwrap_or(DEFAULT_RETRIES),
        ca_file: None,
        proxy: None,
        secrets: secrets.clone(),
    };
    if let BaseUrl::Http(url) = &endpoint.base_url {
        endpoint.proxy = proxy::for_url(url, environment)?;
        let has_secure_proxy =
            endpoint.proxy.as_ref().is_some_and(|proxy| proxy.url.starts_with("https:"));
        if url.is_secure() || has_secure_proxy {
            let variable = environment.get("SSL_CERT_FILE").map(PathBuf::from);
            endpoint.ca_file = args.ca_cert.clone().or(variable);
        }
    }
    Ok(endpoint)
}

/// Loads the key of the endpoint, if there is one.
///
/// # Errors
/// [`Error::NoKey`] if the key is missing, [`Error::Config`] if it is not valid
/// or would be sent in the clear, and [`Error::Unreadable`] if the key file
/// cannot be read.
pub fn load_key(
    endpoint: &mut Endpoint,
    allow_http: bool,
    context: &Context,
    notes: &Notes,
) -> Result<()> {
    let BaseUrl::Http(url) = &endpoint.base_url else {
        return Ok(());
    };
    ensure_key_is_encrypted(endpoint, allow_http, context)?;
    endpoint.key = key::load(&context.key, context.environment, notes)?;
    match &endpoint.key {
        Some(key) => endpoint.secrets.add(key.clone()),
        None if url.host == DEFAULT_HOST => {
            return Err(Error::NoKey { host: url.host.clone() });
        }
        None => {}
    }
    Ok(())
}

/// Checks that the key is not sent over a network in the clear, unless the user
/// allows it.
///
/// # Errors
/// [`Error::Config`] if it would be.
pub fn ensure_key_is_encrypted(
    endpoint: &Endpoint,
    allow_http: bool,
    context: &Context,
) -> Result<()> {
    let BaseUrl::Http(url) = &endpoint.base_url else {
        return Ok(());
    };
    // Through a proxy, even a request to this machine crosses the network.
    let is_private = url.is_secure() || (is_loopback(&url.host) && endpoint.proxy.is_none());
    if is_private || allow_http || !sends_key(endpoint, context) {
        return Ok(());
    }
    let unset = match context.key {
        KeySource::Default => format!("unset {KEY_VARIABLE}, "),
        _ => String::new(),
    };
    Err(Error::Config(anyhow!(
        "the key would be sent in the clear to {url}: use https, {unset}or allow it with --allow-http"
    )))
}

/// Whether requests to the endpoint carry a key. Does not load it.
pub fn sends_key(endpoint: &Endpoint, context: &Context) -> bool {
    match &endpoint.base_url {
        BaseUrl::Mock => false,
        BaseUrl::Http(url) => {
            context.key != KeySource::Default
                || url.host == DEFAULT_HOST
                || context.environment.get(KEY_VARIABLE).is_some()
        }
    }
}

/// The last header of each name.
fn last_of_each_name(headers: &[Header]) -> Vec<Header> {
    let mut kept: Vec<Header> = Vec::new();
    for header in headers {
        kept.retain(|known| !known.0.eq_ignore_ascii_case(&header.0));
        kept.push(header.clone());
    }
    kept
}
