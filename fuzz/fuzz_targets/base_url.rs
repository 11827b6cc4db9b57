//! Base URLs: what gravix accepts, the crates `url` and `http` accept too, with
//! the same scheme, host, port and query.

#![no_main]

use std::net::{Ipv4Addr, Ipv6Addr};

use gravix::net::base_url::{BaseUrl, HttpUrl};
use libfuzzer_sys::fuzz_target;
use url::{Host, ParseError, Url};

fuzz_target!(|text: &str| {
    let Ok(BaseUrl::Http(ours)) = BaseUrl::parse(text) else { return };
    assert_eq!(HttpUrl::parse(&ours.to_string()).as_ref(), Ok(&ours), "written again");

    let request = ours.request_url("models");
    let plain = match Url::parse(&request) {
        // `server.1` may be a name in /etc/hosts, for curl too.
        Err(ParseError::InvalidIpv4Address) if ends_in_number(&ours.host) => return,
        // Whether `xn--…` is the name of a domain is left to those who resolve it.
        Err(ParseError::IdnaError) if ours.host.contains("xn--") => return,
        plain => plain.expect("url accepts it"),
    };
    let sent: http::Uri = request.parse().expect("http accepts it");
    assert_eq!(plain.scheme() == "https", ours.is_secure());
    assert_eq!(sent.scheme_str(), Some(plain.scheme()));
    let default = if ours.is_secure() { 443 } else { 80 };
    assert_eq!(Some(sent.port_u16().unwrap_or(default)), plain.port_or_known_default());
    assert!(
        plain.username().is_empty() && plain.password().is_none() && plain.fragment().is_none()
    );
    // Only `url` escapes an apostrophe.
    let query = sent.query().map(|query| query.replace('\'', "%27"));
    assert_eq!(query.as_deref(), plain.query());
    assert!(sent.path().ends_with("/models") && plain.path().ends_with("/models"));
    assert!(ours.endpoint("models").starts_with(&format!("{}://", plain.scheme())));

    let host = sent.host().unwrap_or_default().to_ascii_lowercase();
    assert_eq!(host.trim_start_matches('[').trim_end_matches(']'), ours.host);
    match plain.host().expect("a host") {
        Host::Domain(domain) => assert_eq!(domain, ours.host),
        Host::Ipv4(address) => assert!(is_written(&ours.host, address), "{address}"),
        Host::Ipv6(address) => assert_eq!(ours.host.parse::<Ipv6Addr>(), Ok(address)),
    }
});

/// Whether the crate `url` takes `host` for an IPv4 address, valid or not.
fn ends_in_number(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    last.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether `host` is this address, perhaps in one of the forms that only
/// `inet_aton` knows, such as `127.1` and `0x7f000001`.
fn is_written(host: &str, address: Ipv4Addr) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.parse().map_or_else(|_| ends_in_number(host), |written: Ipv4Addr| written == address)
}
