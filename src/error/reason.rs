//! The text of an I/O error.

use std::fmt;
use std::io;

/// Displays an I/O error without Rust's `(os error 2)` and with a lower-case
/// first letter, to fit into a message.
pub struct Reason<'a>(pub &'a io::Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let (text, rest) = text.split_once(" (os error ").unwrap_or((&text, ""));
        let rest = rest.split_once(')').map_or("", |parts| parts.1);
        // The crate tempfile adds the path of a new file, which the user does not know.
        let rest = if rest.starts_with(" at path ") { "" } else { rest };
        let mut letters = text.chars();
        match letters.next() {
            Some(first) => write!(f, "{}{}{rest}", first.to_lowercase(), letters.as_str()),
            None => f.write_str("unknown error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_reason_is_shown() {
        let new = tempfile::Builder::new().tempfile_in("/nowhere").expect_err("no directory");
        let old = io::Error::from_raw_os_error(13);
        let shown = [&new, &old].map(|error| Reason(error).to_string());
        assert_eq!(shown, ["no such file or directory", "permission denied"]);
    }
}
