//! Why a server's certificate is not trusted.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFlaw {
    /// No trusted authority issued it.
    UnknownIssuer,
    /// It is signed by itself, or that of an authority.
    SelfSigned,
    /// It has no subjectAltName.
    Nameless,
    /// Any other, in words.
    Other(String),
}

impl fmt::Display for CertificateFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownIssuer => "its issuer is unknown",
            Self::SelfSigned => "it is self-signed, or that of a certificate authority",
            Self::Nameless => "it names no host (it has no subjectAltName)",
            Self::Other(reason) => reason,
        })
    }
}
