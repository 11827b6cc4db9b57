//! What to do when TLS with a server cannot be set up.

use std::net::IpAddr;
use std::path::Path;

use crate::error::{CertificateFlaw, TlsMismatch};
use crate::files::shell;

/// The way out of a certificate that is not trusted, with the fields of
/// [`Error::Certificate`](crate::error::Error::Certificate); `None` if only the
/// server's operator has one.
pub fn for_certificate(
    host: &str,
    address: Option<&str>,
    ca_file: Option<&Path>,
    flaw: &CertificateFlaw,
) -> Option<String> {
    let shown = ca_file.map(|file| file.display());
    let absence = match (flaw, shown) {
        (CertificateFlaw::Other(_), _) => return None,
        (CertificateFlaw::Nameless, _) => return Some(new_certificate(host)),
        (CertificateFlaw::UnknownIssuer, Some(file)) => {
            format!("{file} holds neither the issuer nor the certificate; ")
        }
        (CertificateFlaw::SelfSigned, Some(file)) => format!("{file} does not hold it; "),
        (CertificateFlaw::UnknownIssuer | CertificateFlaw::SelfSigned, None) => String::new(),
    };
    let way_out = match address {
        Some(address) => format!(
            "if you expect that, save the certificate with openssl s_client -connect {} </dev/null | openssl x509 > gravix-server.pem and use --ca-cert gravix-server.pem",
            shell::word(address)
        ),
        None => "if the proxy or the server has its own authority, put that into a PEM file and use --ca-cert FILE".to_owned(),
    };
    Some(absence + &way_out)
}

fn new_certificate(host: &str) -> String {
    let bare = host.trim_matches(['[', ']']);
    let kind = if bare.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
    let name = shell::word(&format!("subjectAltName={kind}:{bare}"));
    format!(
        "give the server a certificate with its name: openssl req -x509 -days 365 -newkey rsa:2048 -nodes -keyout gravix-key.pem -out gravix-cert.pem -subj /CN=gravix -addext {name}; then use --ca-cert gravix-cert.pem"
    )
}

/// The way out of a mismatch.
pub fn for_mismatch(mismatch: &TlsMismatch) -> &'static str {
    match mismatch {
        TlsMismatch::OldVersion => {
            "update the server, or put a reverse proxy such as nginx in front of it and set the base URL to that"
        }
        TlsMismatch::ClientCertificate => {
            "gravix has no client certificates; run stunnel with yours and set the base URL to that"
        }
        TlsMismatch::UnknownName => "check the host in the base URL",
        TlsMismatch::NothingInCommon(_) => {
            "the server must offer ECDHE with AES-GCM or ChaCha20, and a certificate for RSA of 2048 bits or more, P-256, P-384 or Ed25519"
        }
        TlsMismatch::Refused(_) => "ask its operator why",
    }
}
