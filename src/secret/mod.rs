//! API keys and secret headers, and masking them in text.

pub mod header;
mod memory;
pub mod spelling;

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::secret::header::secret_parts;
use crate::secret::spelling::{REDACTED, redact};

/// The environment variable that holds the API key.
pub const KEY_VARIABLE: &str = "GRAVIXLAYER_API_KEY";

/// A key. `Debug` prints `(redacted)` in its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    key: String,
    origin: String,
    has_blanks: bool,
}

/// What people put around a key that they copy out of code.
const QUOTES: [char; 2] = ['\'', '"'];

impl Secret {
    /// Removes one line end and then the blanks around `value`. `origin` says
    /// where the key comes from, for error messages.
    ///
    /// # Errors
    /// [`Error::Config`] if the key is empty, is not ASCII or contains a
    /// control character, because such a key cannot be sent in a header; or if
    /// it has quotes around it or begins with `Bearer`, because no server would
    /// accept it.
    pub fn parse(value: &OsStr, origin: &str) -> Result<Self> {
        let refuse = |what| Err(Error::Config(anyhow!("the key in {origin} {what}")));
        let Some(value) = value.to_str().filter(|value| value.is_ascii()) else {
            return refuse("contains a character that is not ASCII");
        };
        let line = value.strip_suffix('\n').unwrap_or(value);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let key = line.trim_matches([' ', '\t']);
        let has_prefix = |prefix: &str| {
            key.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        match () {
            () if key.is_empty() => refuse("is empty"),
            () if key.bytes().any(|b| b.is_ascii_control()) => {
                refuse("contains a control character")
            }
            () if key.starts_with(QUOTES) || key.ends_with(QUOTES) => {
                refuse("has quotes around it; remove them")
            }
            () if has_prefix("authorization:") => {
                refuse("begins with 'Authorization:', which gravix adds itself; leave it out")
            }
            () if has_prefix("bearer ") || key.eq_ignore_ascii_case("bearer") => {
                refuse("begins with 'Bearer ', which gravix adds itself; leave it out")
            }
            () => Ok(Self { has_blanks: key != line, ..Self::new(key, origin) }),
        }
    }

    /// A secret that is only masked, not checked.
    fn new(text: &str, origin: &str) -> Self {
        Self { key: text.to_owned(), origin: origin.to_owned(), has_blanks: false }
    }

    /// Whether there were blanks around the key, which were removed.
    pub fn has_blanks(&self) -> bool {
        self.has_blanks
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
        redact(text, &self.key)
    }
}

/// Shorter keys are not masked: they are dummies for servers without keys, such
/// as `ollama`, and occur in ordinary text.
pub const MIN_MASKED_LENGTH: usize = 8;

/// All secrets of this process. Clones share one list, so a secret that is added
/// later is masked everywhere.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<Mutex<Vec<Secret>>>);

impl Secrets {
    /// Masks `secret` from now on, unless it is too short. From the first secret
    /// on, the memory of the process is its own.
    pub fn add(&self, secret: Secret) {
        if secret.key.len() < MIN_MASKED_LENGTH {
            return;
        }
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.is_empty() {
            memory::forbid_dumps();
        }
        if !secrets.contains(&secret) {
            secrets.push(secret);
            // One secret may be the beginning of another.
            secrets.sort_by_key(|secret| Reverse(secret.key.len()));
        }
    }

    /// Masks the value of a secret header from now on, and its parts.
    pub fn add_header(&self, name: &str, value: &str) {
        for part in secret_parts(name, value) {
            self.add(Secret::new(&part, name));
        }
    }

    /// `text` with every secret replaced by `(redacted)`. It must be text from a
    /// server or a command: gravix's own words never hold a key, but may look
    /// like one.
    pub fn mask(&self, text: String) -> String {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text, |text, secret| secret.mask(&text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_and_blanks_are_removed_from_a_key_and_quotes_are_refused() {
        let key = |text: &str| Secret::parse(text.as_ref(), "X").map(|key| key.bearer());
        assert_eq!(key("abc\n").unwrap(), "Bearer abc");
        assert_eq!(key("abc\r\n").unwrap(), "Bearer abc");
        assert_eq!(key(" abc\t\n").unwrap(), "Bearer abc");
        assert_eq!(key("a\"b'c").unwrap(), "Bearer a\"b'c");
        assert_eq!(key("bearer-abc").unwrap(), "Bearer bearer-abc");
        for (bad, reason) in [
            ("a\nb", "control character"),
            ("abc\n\n", "control character"),
            ("a\tb", "control character"),
            ("é", "not ASCII"),
            ("\n", "is empty"),
            (" ", "is empty"),
            ("\"abc\"", "quotes"),
            ("'abc'\n", "quotes"),
            ("abc\"", "quotes"),
            ("\"Bearer abc\"", "quotes"),
            ("Bearer abc", "'Bearer '"),
            ("bearer abc", "'Bearer '"),
            ("Bearer ", "'Bearer '"),
            ("Authorization: Bearer abc", "'Authorization:'"),
        ] {
            let error = key(bad).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("abc"), "{bad:?}: {error}");
        }
        let has_blanks = |text: &str| Secret::parse(text.as_ref(), "X").unwrap().has_blanks();
        assert!(has_blanks(" abc") && has_blanks("abc \n") && !has_blanks("abc\n"));
    }

    #[test]
    fn only_secrets_of_eight_characters_or_more_are_masked() {
        let masked = |key: &str| {
            let secrets = Secrets::default();
            secrets.add(Secret::parse(key.as_ref(), "X").unwrap());
            secrets.mask(format!("bad key {key}"))
        };
        assert_eq!(masked("ollama"), "bad key ollama");
        assert_eq!(masked("1234567"), "bad key 1234567");
        assert_eq!(masked("12345678"), "bad key (redacted)");
    }

    #[test]
    fn a_secret_is_redacted_in_debug_output_and_in_text() {
        let secret = Secret::parse("hunter2".as_ref(), "X").unwrap();
        assert_eq!(format!("{secret:?}"), "(redacted)");
        assert_eq!(secret.mask("key hunter2!"), "key (redacted)!");
    }
}
