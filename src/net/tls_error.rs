//! Errors of TLS, in words. rustls shows many of them as the names of
//! its own variants.

use std::fmt::Debug;
use std::path::PathBuf;

use rustls::{
    AlertDescription, CertificateError, Error as TlsError, InvalidMessage, PeerIncompatible,
};

use crate::error::{CertificateFlaw, Error, NetworkError, TlsMismatch};

/// The name of webpki's error for a certificate authority in place of a server.
/// rustls passes it on as an opaque error.
const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// How many names of a certificate an error shows.
const MAX_NAMES: usize = 3;

/// The longest name that an error shows: that of a host (RFC 1035 2.3.4).
const MAX_NAME_LENGTH: usize = 253;

/// The server at the other end of TLS, as its errors need it.
#[derive(Debug, Clone, Default)]
pub struct TlsPeer {
    pub host: String,
    /// `host:port`, unless a proxy tunnels there.
    pub address: Option<String>,
    /// The file of the only certificates that are trusted, if there is one.
    pub ca_file: Option<PathBuf>,
    /// It asked for a certificate of the client.
    pub wants_certificate: bool,
}

/// Converts an error of TLS: an untrusted certificate, a mismatch, or any other.
pub fn tls_error(error: &TlsError, peer: &TlsPeer) -> Error {
    let TlsPeer { host, wants_certificate, .. } = peer;
    let mismatch = |mismatch| Error::TlsMismatch { host: host.to_owned(), mismatch };
    let reason = match error {
        TlsError::InvalidCertificate(error) => {
            return Error::Certificate {
                host: host.to_owned(),
                address: peer.address.clone(),
                ca_file: peer.ca_file.clone(),
                flaw: certificate_flaw(error, host),
            };
        }
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => {
            return Error::WrongScheme(format!(
                "{host} does not speak TLS on this port; it may be an http:// server"
            ));
        }
        TlsError::AlertReceived(alert) => match alert_mismatch(*alert, *wants_certificate) {
            Some(known) => return mismatch(known),
            None => refusal(*alert),
        },
        TlsError::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => return mismatch(TlsMismatch::OldVersion),
        TlsError::PeerIncompatible(why) => {
            let how = format!("it is not compatible ({})", words(why));
            return mismatch(TlsMismatch::NothingInCommon(how));
        }
        TlsError::PeerMisbehaved(why) => format!("it breaks the protocol ({})", words(why)),
        TlsError::InvalidMessage(_) => "it sent a malformed message".to_owned(),
        TlsError::InappropriateMessage { .. } | TlsError::InappropriateHandshakeMessage { .. } => {
            "it sent an unexpected message".to_owned()
        }
        TlsError::NoCertificatesPresented => "it sent no certificate".to_owned(),
        TlsError::PeerSentOversizedRecord => "it sent a record that is too long".to_owned(),
        TlsError::DecryptError => "what it sent cannot be decrypted".to_owned(),
        TlsError::General(text) => text.clone(),
        TlsError::Other(other) => other.to_string(),
        other => words(other),
    };
    NetworkError::Tls { host: host.to_owned(), reason }.into()
}

/// Converts the end of the connection within the handshake.
pub fn handshake_cut(peer: &TlsPeer) -> Error {
    let host = peer.host.clone();
    if peer.wants_certificate {
        return Error::TlsMismatch { host, mismatch: TlsMismatch::ClientCertificate };
    }
    NetworkError::Tls { host, reason: "it closed the connection".to_owned() }.into()
}

/// What an alert says that would say the same next time.
fn alert_mismatch(alert: AlertDescription, wants_certificate: bool) -> Option<TlsMismatch> {
    use AlertDescription as Alert;
    Some(match alert {
        Alert::ProtocolVersion => TlsMismatch::OldVersion,
        // gravix sends no certificate, so it can only be missing.
        Alert::CertificateRequired | Alert::BadCertificate | Alert::NoCertificate => {
            TlsMismatch::ClientCertificate
        }
        // TLS 1.2 has no alert of its own for that.
        Alert::HandshakeFailure | Alert::AccessDenied | Alert::CertificateUnknown
            if wants_certificate =>
        {
            TlsMismatch::ClientCertificate
        }
        Alert::UnrecognisedName => TlsMismatch::UnknownName,
        Alert::HandshakeFailure | Alert::InsufficientSecurity | Alert::UnsupportedCertificate => {
            TlsMismatch::NothingInCommon(refusal(alert))
        }
        Alert::MissingExtension
        | Alert::UnsupportedExtension
        | Alert::NoApplicationProtocol
        | Alert::EncryptedClientHelloRequired
        | Alert::IllegalParameter
        | Alert::AccessDenied => TlsMismatch::Refused(refusal(alert)),
        _ => return None,
    })
}

fn refusal(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(number) => format!("it refused with the alert {number}"),
        known => format!("it refused with the alert \"{}\"", words(&known)),
    }
}

fn certificate_flaw(error: &CertificateError, host: &str) -> CertificateFlaw {
    use CertificateError as Certificate;
    let reason = match error {
        Certificate::UnknownIssuer => return CertificateFlaw::UnknownIssuer,
        Certificate::Other(other) if other.0.to_string() == AUTHORITY_AS_SERVER => {
            return CertificateFlaw::SelfSigned;
        }
        Certificate::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            return CertificateFlaw::Nameless;
        }
        Certificate::Expired | Certificate::ExpiredContext { .. } => "it has expired",
        Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => "it is not valid yet",
        Certificate::NotValidForNameContext { presented, .. } => {
            return CertificateFlaw::Other(other_hosts(presented, host));
        }
        Certificate::NotValidForName => "it is for another host",
        Certificate::InvalidPurpose | Certificate::InvalidPurposeContext { .. } => {
            "it is not for servers"
        }
        Certificate::BadEncoding => "it is malformed",
        // Also the error for a key that ring does not verify with.
        Certificate::BadSignature => {
            "a signature is wrong, or made with a key that gravix does not accept, such as one of RSA with less than 2048 bits"
        }
        Certificate::Revoked => "it was revoked",
        Certificate::UnsupportedSignatureAlgorithmContext { .. }
        | Certificate::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "gravix does not support the algorithm of its signature"
        }
        other => return CertificateFlaw::Other(format!("it is not valid ({})", words(other))),
    };
    CertificateFlaw::Other(reason.to_owned())
}

/// What a certificate for other hosts is for. webpki writes its names as
/// `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
fn other_hosts(presented: &[String], host: &str) -> String {
    let name = |name: &String| {
        let dns = name.strip_prefix("DnsName(\"").and_then(|rest| rest.strip_suffix("\")"));
        let ip = || name.strip_prefix("IpAddress(").and_then(|rest| rest.strip_suffix(')'));
        dns.or_else(ip).filter(|name| name.len() <= MAX_NAME_LENGTH).map(str::to_owned)
    };
    let mut names: Vec<String> = presented.iter().filter_map(name).collect();
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        None => "it is for another host".to_owned(),
        Some((only, [])) => format!("it is for {only}, not for {host}"),
        Some((last, others)) => {
            format!("it is for {} and {last}, not for {host}", others.join(", "))
        }
    }
}

/// The innermost name in the debug form of `error`, as words: `handshake failure`
/// for `HandshakeFailure`, and `unknown CA` for `UnknownCA`.
fn words(error: &impl Debug) -> String {
    let debug = format!("{error:?}");
    let outer = debug.split('{').next().unwrap_or_default().trim_end_matches([')', ' ']);
    let name = outer.rsplit('(').next().unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    let mut before_is_capital = false;
    for (index, letter) in name.char_indices() {
        let is_capital = letter.is_ascii_uppercase();
        let is_last_of_capitals =
            name[index + letter.len_utf8()..].starts_with(|next: char| next.is_ascii_lowercase());
        match words.last_mut() {
            Some(word) if !is_capital || (before_is_capital && !is_last_of_capitals) => {
                word.push(letter);
            }
            _ => words.push(letter.to_string()),
        }
        before_is_capital = is_capital;
    }
    let is_acronym = |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase());
    for word in words.iter_mut().filter(|word| !is_acronym(word)) {
        word.make_ascii_lowercase();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{OtherError, PeerMisbehaved};

    use super::*;
    use crate::error::Status;

    fn peer(wants_certificate: bool) -> TlsPeer {
        TlsPeer { host: "h".to_owned(), wants_certificate, ..TlsPeer::default() }
    }

    #[test]
    fn a_certificate_for_other_hosts_says_which_but_not_all_of_many() {
        let presented = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            other_hosts(&names, "[::1]")
        };
        let long = format!("DnsName(\"{}\")", "x".repeat(254));
        let names = [
            "DnsName(\"*.a.example\")",
            "IpAddress(127.0.0.1)",
            "DnsName(\"c\")",
            "DnsName(\"d\")",
        ];
        for (names, words) in [
            (&names[..1], "it is for *.a.example, not for [::1]"),
            (&names[..2], "it is for *.a.example and 127.0.0.1, not for [::1]"),
            (&names[..], "it is for *.a.example, 127.0.0.1, c and 1 more, not for [::1]"),
            (&["DirectoryName", &long], "it is for another host"),
        ] {
            assert_eq!(presented(names), words);
        }
    }

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
                "cannot set up TLS with h: it refused with the alert \"handshake failure\"",
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
            (TlsError::DecryptError, "cannot set up TLS with h: what it sent cannot be decrypted"),
            (
                TlsError::AlertReceived(AlertDescription::UnknownCA),
                "cannot set up TLS with h: it refused with the alert \"unknown CA\"",
            ),
            (
                TlsError::AlertReceived(AlertDescription::Unknown(200)),
                "cannot set up TLS with h: it refused with the alert 200",
            ),
            (TlsError::General("no luck".to_owned()), "cannot set up TLS with h: no luck"),
        ] {
            assert_eq!(tls_error(&error, &peer(false)).to_string(), words);
        }
    }

    #[test]
    fn only_what_may_pass_is_worth_another_try() {
        let status = |alert: u8, wants_certificate| {
            let error = TlsError::AlertReceived(AlertDescription::from(alert));
            tls_error(&error, &peer(wants_certificate)).status()
        };
        for alert in [40, 41, 42, 43, 47, 49, 70, 71, 109, 110, 112, 116, 120] {
            assert_eq!(status(alert, false), Status::Exit(78), "{alert}");
        }
        // An unexpected message, a bad record, an internal error, a cancellation.
        for alert in [10, 20, 80, 90, 200] {
            assert_eq!(status(alert, true), Status::Exit(75), "{alert}");
        }
        let told = |wants_certificate| {
            let error = TlsError::AlertReceived(AlertDescription::HandshakeFailure);
            tls_error(&error, &peer(wants_certificate)).to_string()
        };
        assert!(told(true).contains("client certificate") && !told(false).contains("client"));
    }
}
