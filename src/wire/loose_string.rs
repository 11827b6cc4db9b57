//! Strings of JSON, Python and JavaScript, which may be cut off at any place.

/// Reads a string up to its quote or the end of `text`. Returns it without its
/// escapes, and the length that was read in bytes. Without a quote, all of `text`
/// is the string.
pub fn read(text: &str, quote: Option<u8>) -> (String, usize) {
    let mut reader = StringReader { text, at: 0 };
    let mut string = String::new();
    let is_special = |c: char| c == '\\' || quote.is_some_and(|quote| c == char::from(quote));
    loop {
        let rest = &text[reader.at..];
        let plain = rest.find(is_special).unwrap_or(rest.len());
        string += &rest[..plain];
        reader.at += plain;
        match text.as_bytes().get(reader.at) {
            Some(b'\\') => string.extend(reader.escape()),
            Some(_) => return (string, reader.at + 1),
            None => return (string, reader.at),
        }
    }
}

struct StringReader<'a> {
    text: &'a str,
    at: usize,
}

impl StringReader<'_> {
    /// The character that an escape stands for; `None` if it is cut off.
    fn escape(&mut self) -> Option<char> {
        self.at += 1;
        let letter = self.text[self.at..].chars().next()?;
        self.at += letter.len_utf8();
        let code = match letter {
            'b' => return Some('\u{8}'),
            'f' => return Some('\u{c}'),
            'n' => return Some('\n'),
            'r' => return Some('\r'),
            't' => return Some('\t'),
            'U' => self.hex(8),
            'u' => self.hex(4),
            'x' => self.hex(2),
            other => return Some(other),
        };
        let low = || self.text[self.at..].strip_prefix("\\u").and_then(|text| hex(text, 4));
        let code = match code? {
            high @ 0xd800..=0xdbff => match low() {
                Some(low @ 0xdc00..=0xdfff) => {
                    self.at += 6;
                    0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                }
                _ => high,
            },
            code => code,
        };
        // Half of a pair is no character.
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let code = hex(&self.text[self.at..], digits);
        let left = self.text.len() - self.at;
        self.at += match code {
            None if left < digits => left,
            None => 0,
            Some(_) => digits,
        };
        code
    }
}

/// The number that the first `digits` of `text` are.
fn hex(text: &str, digits: usize) -> Option<u32> {
    u32::from_str_radix(text.get(..digits)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_a_string_ends_at_its_quote() {
        for (text, quote, string, length) in [
            (r#"a\"b" c"#, Some(b'"'), "a\"b", 5),
            (r"it\'s' c", Some(b'\''), "it's", 6),
            (r"\ud83d\ude00\U0001f600\xe9", None, "😀😀é", 26),
            (r"\ud83d!", None, "\u{fffd}!", 7),
            (r"a\u00", None, "a", 5),
            (r"a\", None, "a", 2),
            ("", Some(b'"'), "", 0),
        ] {
            assert_eq!(read(text, quote), (string.to_owned(), length), "{text}");
        }
    }
}
