//! Text and paths as words of a shell command.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `text` in single quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` as it would be typed: in quotes only if it needs them.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%=,".contains(c);
    match text {
        _ if text.contains(char::is_control) => escaped(text.as_bytes()),
        _ if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        _ => quoted(text),
    }
}

/// `path` as it would be typed, so that it is not taken for an option.
pub fn path_word(path: &Path) -> String {
    let dashed = path.as_os_str().as_bytes().starts_with(b"-").then(|| Path::new(".").join(path));
    let path = dashed.as_deref().unwrap_or(path);
    path.to_str().map_or_else(|| escaped(path.as_os_str().as_bytes()), word)
}

/// `bytes` in the quotes of bash, zsh and ksh in which those that a terminal does
/// not show, or that are not UTF-8, have a number.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => text += "\\n",
                '\t' => text += "\\t",
                '\'' | '\\' => text.extend(['\\', c]),
                c if c.is_control() => text += &octal(c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        text += &octal(chunk.invalid());
    }
    format!("$'{text}'")
}

/// Each byte as three octal digits: unlike hexadecimal ones, no digit behind them
/// can be taken for one of them.
fn octal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

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
            ("a\nb.jsonl", r"$'a\nb.jsonl'"),
            ("it's\t\\\u{1b}1\u{85}é", r"$'it\'s\t\\\0331\302\205é'"),
        ] {
            assert_eq!(word(text), typed);
        }
        for (path, typed) in [
            (&b"-n.jsonl"[..], "./-n.jsonl"),
            (b"a b;c", "'a b;c'"),
            (b"-\n", r"$'./-\n'"),
            (b"a\xff1\xc3\xa9", r"$'a\3771é'"),
        ] {
            assert_eq!(path_word(OsStr::from_bytes(path).as_ref()), typed);
        }
    }
}
