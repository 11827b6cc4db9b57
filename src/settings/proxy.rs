//! The proxy for a base URL, from the same environment variables as curl.

use std::net::IpAddr;

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::net::base_url::{Authority, HttpUrl, without_brackets, without_final_dot};
use crate::net::proxy::ProxySetting;
use crate::settings::environment::Environment;

/// The proxy for a base URL; `None` to connect directly.
///
/// `http_proxy` is only read in lower case: in a CGI program, `HTTP_PROXY` is
/// the client's `Proxy` header.
///
/// # Errors
/// [`Error::Config`] if a variable is not UTF-8 or not a proxy URL, or if the
/// base URL has a zone, which means nothing to a proxy. The proxy's URL is not
/// shown, as it can contain a password.
pub fn for_url(url: &HttpUrl, environment: &Environment) -> Result<Option<ProxySetting>> {
    let names: &[&str] = match url.is_secure() {
        true => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        false => &["http_proxy", "all_proxy", "ALL_PROXY"],
    };
    let Some(name) = names.iter().find(|name| environment.get(name).is_some()) else {
        return Ok(None);
    };
    for name in ["no_proxy", "NO_PROXY"] {
        if let Some(list) = environment.text(name)? {
            if is_listed(&url.host, list) {
                return Ok(None);
            }
            break;
        }
    }
    let text = environment.text(name)?.unwrap_or_default();
    let proxy = complete(text.trim())
        .map_err(|reason| Error::Config(anyhow!("{name} is not a proxy URL: {reason}")))?;
    if let Some(zone) = &url.zone {
        let host = &url.host;
        return Err(Error::Config(anyhow!(
            "the zone {zone} of {host} means nothing to the proxy in {name}: add {host} to no_proxy"
        )));
    }
    Ok(Some(ProxySetting { url: proxy, variable: (*name).to_owned() }))
}

/// The schemes of proxies, which ureq and [`Route`](crate::net::proxy::Route)
/// know.
const SCHEMES: &[&str] = &["http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"];

/// Adds curl's default scheme and port to `url` if they are missing.
fn complete(url: &str) -> Result<String, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let scheme = scheme.to_ascii_lowercase();
    if !SCHEMES.contains(&scheme.as_str()) {
        return Err(format!("unknown scheme {scheme}"));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let is_cut = rest.contains('@') && !authority.contains('@');
    if is_cut || authority.contains(['#', '?']) {
        return Err(
            "a character such as / # ? in its user or password must be percent-encoded".to_owned()
        );
    }
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    let Authority { zone, port, .. } = Authority::parse(host_and_port)?;
    if zone.is_some() {
        return Err("an address with a zone is not supported".to_owned());
    }
    let port = match port {
        Some(_) => "",
        None if scheme == "https" => ":443",
        None => ":1080",
    };
    Ok(format!("{scheme}://{authority}{port}"))
}

/// Whether `list` contains `host`, a parent domain of it, or a network it is in.
fn is_listed(host: &str, list: &str) -> bool {
    let host = without_final_dot(host).to_ascii_lowercase();
    let is_between = |c: char| c == ',' || c.is_whitespace();
    list.split(is_between).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        let entry = entry.trim_start_matches('.').to_ascii_lowercase();
        let bare = without_final_dot(without_brackets(&entry));
        match host.parse::<IpAddr>() {
            Ok(address) => is_in_network(address, bare),
            Err(_) => {
                host == bare
                    || host.strip_suffix(bare).is_some_and(|subdomain| subdomain.ends_with('.'))
            }
        }
    })
}

/// Whether `address` is in `network`: an address, or a prefix with a `/length`.
fn is_in_network(address: IpAddr, network: &str) -> bool {
    let (base, length) = match network.split_once('/') {
        Some((base, length)) => (base, length.parse().ok()),
        None => (network, Some(128)),
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128_u32),
    };
    let (Ok(base), Some(length)) = (base.parse::<IpAddr>(), length) else {
        return false;
    };
    let ((address, width), (base, base_width)) = (bits(address), bits(base));
    let ignored = 128 - width.min(length);
    width == base_width && (address ^ base).checked_shr(ignored).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: (&str, &str), variables: &[(&str, &str)]) -> Result<Option<String>> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let (scheme, host) = url;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = HttpUrl::parse(&format!("{scheme}://{host}/v1")).expect("a base URL");
        let found = for_url(&url, &variables.collect())?;
        Ok(found.map(|setting| format!("{}={}", setting.variable, setting.url)))
    }

    #[test]
    fn the_variable_of_the_scheme_comes_first() {
        let all = [("https_proxy", "s:1"), ("http_proxy", "p:2"), ("all_proxy", "a:3")];
        let found = |url| proxy(url, &all).expect("the variables are valid");
        assert_eq!(found(("https", "h")).as_deref(), Some("https_proxy=http://s:1"));
        assert_eq!(found(("http", "h")).as_deref(), Some("http_proxy=http://p:2"));
        let upper = [("HTTPS_PROXY", "s"), ("HTTP_PROXY", "p"), ("ALL_PROXY", "socks5h://a")];
        let found = |url| proxy(url, &upper).expect("the variables are valid");
        assert_eq!(found(("https", "h")).as_deref(), Some("HTTPS_PROXY=http://s:1080"));
        assert_eq!(found(("http", "h")).as_deref(), Some("ALL_PROXY=socks5h://a:1080"));
        assert_eq!(
            proxy(("http", "h"), &[("HTTP_PROXY", "p")]).expect("the variable is not read"),
            None
        );
        assert_eq!(
            proxy(("http", "h"), &[("http_proxy", "")]).expect("the variable counts as unset"),
            None
        );
    }

    #[test]
    fn no_proxy_names_hosts_domains_and_networks() {
        let direct = |host, list| {
            let variables = [("all_proxy", "p:1"), ("no_proxy", list)];
            proxy(("https", host), &variables).expect("the variables are valid").is_none()
        };
        for (host, list) in [
            ("a.example.com", "x, example.com ,y"),
            ("a.example.com", "x\texample.com\n"),
            ("a.example.com.", "example.com"),
            ("example.com", "example.com."),
            ("a.example.com", ".EXAMPLE.com"),
            ("example.com", ".example.com"),
            ("h", "*"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("::1", "[::1]"),
            ("fd00::7", "fd00::/8"),
            ("10.1.2.3", "0.0.0.0/0"),
        ] {
            assert!(direct(host, list), "{host} {list}");
        }
        for (host, list) in [
            ("badexample.com", "example.com"),
            ("example.com", "a.example.com"),
            ("11.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "::/0"),
            ("10.1.2.3", "10.1.2"),
        ] {
            assert!(!direct(host, list), "{host} {list}");
        }
        let both = [("all_proxy", "p:1"), ("no_proxy", ""), ("NO_PROXY", "h")];
        assert_eq!(proxy(("http", "h"), &both).expect("the variables are valid"), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_parsed_is_an_error_without_its_password() {
        for url in [
            "u:secret@",
            "http://:1",
            "ftp://p",
            "http://p:0",
            "http://p:99999",
            "p q",
            "u:secret/x@p",
            "u:x/secret@p",
            "u:secret#x@p:1",
            "u:secret?@p",
        ] {
            let error = proxy(("http", "h"), &[("all_proxy", url)]).expect_err(url).to_string();
            assert!(error.contains("all_proxy") && !error.contains("secret"), "{error}");
        }
    }
}
