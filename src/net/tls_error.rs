//! Errors of TLS handshakes, in words. rustls shows many of them as the names of
//! its own variants.

use std::fmt::Debug;

use rustls::{
    AlertDescription, CertificateError, Error as TlsError, InvalidMessage, PeerIncompatible,
};

use crate::error::{Error, NetworkError};

/// The name of webpki's error for a certificate authority in place of a server.
/// rustls passes it on as an opaque error.
const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// Converts an error of the handshake: an untrusted certificate, or any other.
pub fn handshake_error(error: &TlsError, host: &str) -> Error {
    let reason = match error {
        TlsError::InvalidCertificate(error) => return certificate_error(error, host),
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => {
            return Error::Protocol(format!(
                "{host} does not speak TLS on this port; it may be an http:// server"
            ));
        }
        TlsError::AlertReceived(AlertDescription::ProtocolVersion)
        | TlsError::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "it supports neither TLS 1.2 nor TLS 1.3".to_owned(),
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a client certificate, and gravix has none".to_owned()
        }
        TlsError::AlertReceived(alert) => format!("it refused with the alert {}", words(alert)),
        TlsError::PeerIncompatible(why) => format!("it is not compatible ({})", words(why)),
        TlsError::PeerMisbehaved(why) => format!("it breaks the protocol ({})", words(why)),
        TlsError::InvalidMessage(_) => "it sent a malformed message".to_owned(),
        TlsError::InappropriateMessage { .. } | TlsError::InappropriateHandshakeMessage { .. } => {
            "it sent an unexpected message".to_owned()
        }
        TlsError::NoCertificatesPresented => "it sent no certificate".to_owned(),
        other => words(other),
    };
    NetworkError::Tls { host: host.to_owned(), reason }.into()
}

fn certificate_error(error: &CertificateError, host: &str) -> Error {
    use CertificateError as Certificate;
    let mut is_unknown_issuer = false;
    let reason = match error {
        Certificate::UnknownIssuer => {
            is_unknown_issuer = true;
            "its issuer is unknown"
        }
        Certificate::Other(other) if other.0.to_string() == AUTHORITY_AS_SERVER => {
            is_unknown_issuer = true;
            "it is self-signed, or that of a certificate authority"
        }
        Certificate::Expired | Certificate::ExpiredContext { .. } => "it has expired",
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => "it is not valid yet",
        Certificate::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "it names no host (it has no subjectAltName)"
        }
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            "it is for another host"
        }
        Certificate::InvalidPurpose | Certificate::InvalidPurposeContext { .. } => {
            "it is not for servers"
        }
        Certificate::BadEncoding => "it is malformed",
        Certificate::BadSignature => "its signature is wrong",
        Certificate::Revoked => "it was revoked",
        Certificate::UnsupportedSignatureAlgorithmContext { .. }
        | Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "gravix does not support the algorithm of its signature"
        }
        other => {
            let reason = format!("it is not valid ({})", words(other));
            return Error::Certificate { host: host.to_owned(), reason, is_unknown_issuer };
        }
    };
    Error::Certificate { host: host.to_owned(), reason: reason.to_owned(), is_unknown_issuer }
}

/// The innermost name in the debug form of `error`, as words: `handshake failure`
/// for `HandshakeFailure`.
fn words(error: &impl Debug) -> String {
    let debug = format!("{error:?}");
    let outer = debug.split('{').next().unwrap_or_default().trim_end_matches([')', ' ']);
    let name = outer.rsplit('(').next().unwrap_or_default();
    let mut words = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{OtherError, PeerMisbehaved};

    use super::*;

    #[test]
    fn errors_are_told_in_words() {
        let other = |text: &'static str| {
            let error =
                OtherError(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(text)));
            TlsError::InvalidCertificate(CertificateError::Other(error))
        };
        for (error, words) in [
            (
                TlsError::AlertReceived(AlertDescription::HandshakeFailure),
                "cannot set up TLS with h: it refused with the alert handshake failure",
            ),
            (
                TlsError::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived),
                "cannot set up TLS with h: it breaks the protocol (too much early data received)",
            ),
            (
                TlsError::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                "cannot set up TLS with h: it supports neither TLS 1.2 nor TLS 1.3",
            ),
            (
                TlsError::InvalidCertificate(CertificateError::UnhandledCriticalExtension),
                "the certificate of h is not trusted: it is not valid (unhandled critical extension)",
            ),
            (
                other(AUTHORITY_AS_SERVER),
                "the certificate of h is not trusted: it is self-signed, or that of a certificate authority",
            ),
            (TlsError::DecryptError, "cannot set up TLS with h: decrypt error"),
        ] {
            assert_eq!(handshake_error(&error, "h").to_string(), words);
        }
    }
}
