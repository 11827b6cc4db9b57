//! API keys and secret headers, and masking them in text.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;

use crate::error::{Error, Result};

/// The environment variable that holds the API key.
pub const KEY_VARIABLE: &str = "GRAVIXLAYER_API_KEY";

/// A key. `Debug` prints `(redacted)` in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    key: String,
    origin: String,
}

impl Secret {
    /// Removes one line end from `value`. `origin` says where the key comes
    /// from, for error messages.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty, is not ASCII or contains a
    /// control character: such a key cannot be sent in a header.
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

    /// Where the key comes from: a variable, a file or a command.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The value of the `Authorization` header (RFC 6750, section 2.1).
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }

    /// `text` with every occurrence of the key replaced by `(redacted)`.
    pub fn mask(&self, text: &str) -> String {
        let masked = text.replace(&self.key, "(redacted)");
        // A quote or a backslash in the key is escaped inside JSON.
        let quoted = serde_json::Value::from(self.key.as_str()).to_string();
        let escaped = quoted.trim_matches('"');
        if escaped == self.key { masked } else { masked.replace(escaped, "(redacted)") }
    }
}

/// Shorter header values are too likely to occur in ordinary text.
const MIN_HEADER_SECRET_LENGTH: usize = 8;

/// All secrets of this process. Clones share one list, so a secret that is added
/// later is masked everywhere.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<Mutex<Vec<Secret>>>);

impl Secrets {
    /// Masks `secret` from now on.
    pub fn add(&self, secret: Secret) {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !secrets.contains(&secret) {
            secrets.push(secret);
            // One secret may be the beginning of another.
            secrets.sort_by_key(|secret| Reverse(secret.key.len()));
        }
    }

    /// If `name` is the name of a secret header, masks its value from now on:
    /// all of `Bearer KEY`, and `KEY` by itself; of a `Cookie`, each value.
    pub fn add_header(&self, name: &str, value: &str) {
        if !is_secret_header(name) {
            return;
        }
        let credentials = value.split_once(' ').map(|(_, rest)| rest);
        let cookies = value.split(';').filter_map(|cookie| Some(cookie.split_once('=')?.1.trim()));
        let is_cookie = name.eq_ignore_ascii_case("cookie");
        let texts = [Some(value), credentials].into_iter().flatten();
        for text in texts.chain(cookies.filter(|_| is_cookie)) {
            let is_long_enough = text.len() >= MIN_HEADER_SECRET_LENGTH;
            if is_long_enough && let Ok(secret) = Secret::parse(text.as_ref(), name) {
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

/// Whether a header with this name carries a secret.
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
    fn only_one_line_end_is_removed_from_a_key() {
        let key = |text: &str| Secret::parse(text.as_ref(), "X").map(|key| key.bearer());
        assert_eq!(key("abc\n").unwrap(), "Bearer abc");
        assert_eq!(key("abc\r\n").unwrap(), "Bearer abc");
        for bad in ["a\nb", "abc\n\n", "é", "\n", "a\tb"] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_is_redacted_in_debug_output_and_in_text() {
        let secret = Secret::parse("hunter2".as_ref(), "X").unwrap();
        assert_eq!(format!("{secret:?}"), "(redacted)");
        assert_eq!(secret.mask("key hunter2!"), "key (redacted)!");
    }
}
