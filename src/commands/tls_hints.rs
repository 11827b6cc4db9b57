//! What to do when TLS with a server does not come about.

use std::net::IpAddr;

use crate::error::{CertificateFlaw, TlsMismatch};
use crate::files::shell;

/// The way out of a certificate that is not trusted; `None` if only the server's
/// operator has one.
pub fn for_certificate(host: &str, flaw: &CertificateFlaw) -> Option<String> {
    match flaw {
        CertificateFlaw::UnknownIssuer | CertificateFlaw::SelfSigned => Some(
            "name a PEM file of trusted certificates with --ca-cert or SSL_CERT_FILE".to_owned(),
        ),
        CertificateFlaw::Nameless => {
            let bare = host.trim_matches(['[', ']']);
            let kind = if bare.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
            let name = shell::word(&format!("subjectAltName={kind}:{bare}"));
            Some(format!(
                "make a new one with openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=gravix -addext {name}"
            ))
        }
        CertificateFlaw::Other(_) => None,
    }
}

/// The way out of a mismatch.
pub fn for_mismatch(mismatch: &TlsMismatch) -> &'static str {
    match mismatch {
        TlsMismatch::OldVersion => "update it, or reach it through a proxy that speaks TLS 1.2",
        TlsMismatch::ClientCertificate => {
            "run a proxy that sends one, such as stunnel, and set the base URL to that"
        }
        TlsMismatch::UnknownName => "check the host in the base URL",
        TlsMismatch::NothingInCommon(_) => {
            "it must offer ECDHE with AES-GCM or ChaCha20, and a certificate for RSA of 2048 bits or more, P-256, P-384 or Ed25519"
        }
    }
}
