//! Keys, which are never shown.

use std::ffi::OsStr;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;

use crate::error::{Error, Result};

/// The variable that holds the key.
pub const KEY_VARIABLE: &str = "GRAVIXLAYER_API_KEY";

/// A key whose `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    key: String,
    origin: String,
}

impl Secret {
    /// The key that `value` holds, less one line end; `origin` says where it
    /// is from.
    ///
    /// # Errors
    /// [`Error::Config`] for a key that no header can carry.
    pub fn parse(value: &OsStr, origin: &str) -> Result<Self> {
        let refuse = |what| Err(Error::Config(anyhow!("the key in {origin} {what}")));
        let Some(key) = value.to_str().filter(|key| key.is_ascii()) else {
            return refuse("contains a character that is not ASCII");
        };
        let key = key.strip_suffix('\n').unwrap_or(key);
        let key = key.strip_suffix('\r').unwrap_or(key);
        if key.is_empty() {
            return refuse("is empty");
        }
        if key.bytes().any(|b| b.is_ascii_control()) {
            return refuse("contains a control character");
        }
        Ok(Self { key: key.to_owned(), origin: origin.to_owned() })
    }

    /// Where it is from: a variable, a file or a command.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The value of an `Authorization` header (RFC 6750 2.1).
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }

    /// `text` with every occurrence of the key taken out.
    pub fn mask(&self, text: &str) -> String {
        let masked = text.replace(&self.key, "(redacted)");
        // As it stands in JSON, where it holds a quote or a backslash.
        let quoted = serde_json::Value::from(self.key.as_str()).to_string();
        let escaped = quoted.trim_matches('"');
        if escaped == self.key { masked } else { masked.replace(escaped, "(redacted)") }
    }
}

/// A shorter value of a header is too likely to be part of an ordinary text.
const SHORTEST_HEADER_SECRET: usize = 8;

/// The secrets of a run. Clones share them, so that one which is learned late
/// is masked everywhere.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<Mutex<Vec<Secret>>>);

impl Secrets {
    /// Masks `secret` from now on.
    pub fn add(&self, secret: Secret) {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !secrets.contains(&secret) {
            secrets.push(secret);
        }
    }

    /// Masks the value of a request header from now on, if the header's name
    /// says that it is a secret: `Bearer KEY` as a whole, and its `KEY` too.
    pub fn add_header(&self, name: &str, value: &str) {
        if !is_secret_header(name) {
            return;
        }
        let words = value.split_once(' ').map(|(_, rest)| rest);
        for text in [Some(value), words].into_iter().flatten() {
            let is_long = text.len() >= SHORTEST_HEADER_SECRET;
            if is_long && let Ok(secret) = Secret::parse(text.as_ref(), name) {
                self.add(secret);
            }
        }
    }

    /// `text` with every secret replaced by `(redacted)`.
    pub fn mask(&self, text: String) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text, |text, secret| secret.mask(&text))
    }
}

/// Whether the value of a header of this name is a secret.
pub fn is_secret_header(name: &str) -> bool {
    name.to_ascii_lowercase().split('-').any(|part| {
        matches!(
            part,
            "apikey"
                | "auth"
                | "authorization"
                | "cookie"
                | "key"
                | "password"
                | "secret"
                | "token"
        )
    })
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_loses_one_line_end_and_nothing_else() {
        let key = |text: &str| Secret::parse(text.as_ref(), "X").map(|key| key.bearer());
        assert_eq!(key("abc\n").unwrap(), "Bearer abc");
        assert_eq!(key("abc\r\n").unwrap(), "Bearer abc");
        for bad in ["a\nb", "abc\n\n", "é", "\n", "a\tb"] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::parse("hunter2".as_ref(), "X").unwrap();
        assert_eq!(format!("{secret:?}"), "(redacted)");
        assert_eq!(secret.mask("key hunter2!"), "key (redacted)!");
    }
}
