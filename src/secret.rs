//! The key, which is never shown.

use std::ffi::OsStr;
use std::fmt;

use crate::environment::Environment;
use crate::error::{Error, Result};

/// The variable that holds the key.
pub const KEY_VARIABLE: &str = "GRAVIXLAYER_API_KEY";

/// A key whose `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// # Errors
    /// [`Error::Config`] for a key that no header can carry.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>> {
        environment.get(KEY_VARIABLE).map(Self::parse).transpose()
    }

    fn parse(value: &OsStr) -> Result<Self> {
        let refuse = |what| Err(Error::Config(format!("{KEY_VARIABLE} {what}")));
        let Some(key) = value.to_str().filter(|key| key.is_ascii()) else {
            return refuse("contains a character that is not ASCII");
        };
        let key = key.strip_suffix('\n').unwrap_or(key);
        let key = key.strip_suffix('\r').unwrap_or(key);
        if key.is_empty() {
            return refuse("holds an empty line");
        }
        if key.bytes().any(|b| b.is_ascii_control()) {
            return refuse("contains a control character");
        }
        Ok(Self(key.to_owned()))
    }

    /// The value of an `Authorization` header (RFC 6750 2.1).
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// `text` with every occurrence of the key taken out.
    pub fn mask(&self, text: &str) -> String {
        let masked = text.replace(&self.0, "(redacted)");
        // As it stands in JSON, where it holds a quote or a backslash.
        let escaped = self.0.escape_default().to_string();
        if escaped == self.0 { masked } else { masked.replace(&escaped, "(redacted)") }
    }
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
        let key = |text: &str| Secret::parse(text.as_ref()).map(|key| key.bearer());
        assert_eq!(key("abc\n").unwrap(), "Bearer abc");
        assert_eq!(key("abc\r\n").unwrap(), "Bearer abc");
        for bad in ["a\nb", "abc\n\n", "é", "\n", "a\tb"] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::parse("hunter2".as_ref()).unwrap();
        assert_eq!(format!("{secret:?}"), "(redacted)");
        assert_eq!(secret.mask("key hunter2!"), "key (redacted)!");
    }
}
