//! Errors of TLS, in words. rustls shows many of them as the names of
//! its own variants.

use std::fmt::Debug;

use rustls::{
    AlertDescription, CertificateError, Error as TlsError, InvalidMessage, PeerIncompatible,
};

use crate::error::{CertificateFlaw, Error, NetworkError, TlsMismatch};

/// The name of webpki's error for a certificate authority in place of a server.
/// rustls passes it on as an opaque error.
const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// Converts an error of TLS: an untrusted certificate, a mismatch, or any other.
/// `wants_certificate` if the server asked for a certificate of the client.
pub fn tls_error(error: &TlsError, host: &str, wants_certificate: bool) -> Error {
    let mismatch = |mismatch| Error::TlsMismatch { host: host.to_owned(), mismatch };
    let reason = match error {
        TlsError::InvalidCertificate(error) => {
            return Error::Certificate { host: host.to_owned(), flaw: certificate_flaw(error) };
        }
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => {
            return Error::Protocol(format!(
                "{host} does not speak TLS on this port; it may be an http:// server"
            ));
        }
        TlsError::AlertReceived(alert) => match alert_mismatch(*alert, wants_certificate) {
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
pub fn handshake_cut(host: &str, wants_certificate: bool) -> Error {
    let host = host.to_owned();
    if wants_certificate {
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
        Alert::HandshakeFailure
        | Alert::InsufficientSecurity
        | Alert::MissingExtension
        | Alert::UnsupportedExtension
        | Alert::NoApplicationProtocol
        | Alert::EncryptedClientHelloRequired
        | Alert::IllegalParameter
        | Alert::UnsupportedCertificate
        | Alert::AccessDenied => TlsMismatch::NothingInCommon(refusal(alert)),
        _ => return None,
    })
}

fn refusal(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(number) => format!("it refused with the alert {number}"),
        known => format!("it refused with the alert {}", words(&known)),
    }
}

fn certificate_flaw(error: &CertificateError) -> CertificateFlaw {
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
        Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
            "it is for another host"
        }
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
            (TlsError::DecryptError, "cannot set up TLS with h: what it sent cannot be decrypted"),
            (
                TlsError::AlertReceived(AlertDescription::UnknownCA),
                "cannot set up TLS with h: it refused with the alert unknown CA",
            ),
            (
                TlsError::AlertReceived(AlertDescription::Unknown(200)),
                "cannot set up TLS with h: it refused with the alert 200",
            ),
            (TlsError::General("no luck".to_owned()), "cannot set up TLS with h: no luck"),
        ] {
            assert_eq!(tls_error(&error, "h", false).to_string(), words);
        }
    }

    #[test]
    fn only_what_may_pass_is_worth_another_try() {
        let status = |alert: u8, wants_certificate| {
            let error = TlsError::AlertReceived(AlertDescription::from(alert));
            tls_error(&error, "h", wants_certificate).status()
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
            tls_error(&error, "h", wants_certificate).to_string()
        };
        assert!(told(true).contains("client certificate") && !told(false).contains("client"));
    }
}
