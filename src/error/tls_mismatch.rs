//! Why gravix and a server cannot agree on TLS.

use std::fmt;

/// A reason that stays the same however often the request is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsMismatch {
    /// The server speaks neither TLS 1.2 nor TLS 1.3.
    OldVersion,
    /// The server demands a certificate of the client.
    ClientCertificate,
    /// The server does not know the name that it was reached by.
    UnknownName,
    /// No cipher suite, key exchange or signature is common. The text says how
    /// that showed.
    NothingInCommon(String),
    /// The server refused for a reason of its own, in these words.
    Refused(String),
}

impl fmt::Display for TlsMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OldVersion => "it supports neither TLS 1.2 nor TLS 1.3",
            Self::ClientCertificate => "it requires a client certificate",
            Self::UnknownName => "it does not know this name",
            Self::NothingInCommon(how) | Self::Refused(how) => how,
        })
    }
}
