//! Text as a word of a shell command.

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
    }
}
