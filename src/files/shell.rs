//! Text and paths as words of a shell command.

use std::path::Path;

/// `text` in single quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` as it would be typed: in quotes only if it needs them.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%=,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// `path` as it would be typed, so that it is not taken for an option.
pub fn path_word(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') { word(&format!("./{text}")) } else { word(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_need_quotes_get_them() {
        for (text, typed) in [
            ("a/b-c.jsonl", "a/b-c.jsonl"),
            ("http://h:80/v1", "http://h:80/v1"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("~x", "'~x'"),
        ] {
            assert_eq!(word(text), typed);
        }
        for (path, typed) in [("-n.jsonl", "./-n.jsonl"), ("a b;c", "'a b;c'")] {
            assert_eq!(path_word(path.as_ref()), typed);
        }
    }
}
