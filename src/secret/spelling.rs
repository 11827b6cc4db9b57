//! The ways to write a key inside other text, and replacing it there.

/// What stands in place of a key.
pub const REDACTED: &str = "(redacted)";

/// How characters are escaped in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// With backslashes, as in a JSON string. Any number of them counts as one,
    /// because servers put JSON into strings of JSON.
    Json,
    /// With a percent sign, as in a URL.
    Percent,
    /// With an ampersand, as in HTML.
    Html,
}

impl Escapes {
    const ALL: [Self; 3] = [Self::Json, Self::Percent, Self::Html];

    fn marker(self) -> u8 {
        match self {
            Self::Json => b'\\',
            Self::Percent => b'%',
            Self::Html => b'&',
        }
    }

    /// The character that `text` begins with, and how many bytes spell it.
    /// Anything but the escape of an ASCII character is a byte that spells
    /// itself.
    fn first(self, text: &[u8]) -> Option<(u8, usize)> {
        let plain = *text.first()?;
        let escaped = match self {
            _ if plain != self.marker() => None,
            Self::Json => json_escape(text),
            Self::Percent => text.get(1..3).and_then(hexadecimal).map(|c| (c, 3)),
            Self::Html => html_escape(text),
        };
        Some(escaped.unwrap_or((plain, 1)))
    }

    /// How many bytes at the beginning of `text` spell `key`.
    fn spelled(self, text: &[u8], key: &[u8]) -> Option<usize> {
        let mut end = 0;
        for &wanted in key {
            let (found, length) = self.first(&text[end..])?;
            if found != wanted {
                return None;
            }
            end += length;
        }
        Some(end)
    }

    /// `text` with every escaped spelling of `key` replaced.
    fn replace(self, text: &str, key: &str) -> String {
        let (bytes, key) = (text.as_bytes(), key.as_bytes());
        let mut replaced = String::new();
        let (mut kept, mut at) = (0, 0);
        while let Some((_, length)) = self.first(&bytes[at..]) {
            let spelled = self.spelled(&bytes[at..], key);
            if let Some(spelled) = spelled {
                // Both ends are at ASCII characters.
                replaced.push_str(&text[kept..at]);
                replaced.push_str(REDACTED);
                kept = at + spelled;
            }
            at += spelled.unwrap_or(length);
        }
        replaced.push_str(&text[kept..]);
        replaced
    }
}

/// `text` with `key`, which is ASCII and not empty, replaced by [`REDACTED`]:
/// as it is, and as it may be escaped in JSON, a URL or HTML.
pub fn redact(text: &str, key: &str) -> String {
    Escapes::ALL.into_iter().fold(
        text.replace(key, REDACTED),
        |text, escapes| match memchr::memchr(escapes.marker(), text.as_bytes()) {
            Some(_) => escapes.replace(&text, key),
            None => text,
        },
    )
}

fn json_escape(text: &[u8]) -> Option<(u8, usize)> {
    let backslashes = text.iter().take_while(|&&byte| byte == b'\\').count();
    let rest = &text[backslashes..];
    let hexadecimal = rest.strip_prefix(b"u00").and_then(|rest| hexadecimal(rest.get(..2)?));
    match (hexadecimal, rest.first()) {
        (Some(c), _) => Some((c, backslashes + 5)),
        (None, Some(c)) if c.is_ascii_punctuation() => Some((*c, backslashes + 1)),
        // All of them at once: counting them again from each one takes too long.
        _ => Some((b'\\', backslashes)),
    }
}

fn html_escape(text: &[u8]) -> Option<(u8, usize)> {
    const NAMES: [(&str, u8); 5] =
        [("amp", b'&'), ("lt", b'<'), ("gt", b'>'), ("quot", b'"'), ("apos", b'\'')];
    // The longest is `&#00000;`.
    let end = text.iter().take(8).position(|&byte| byte == b';')?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let character = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => u8::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        },
        None => NAMES.iter().find(|(known, _)| *known == name)?.1,
    };
    character.is_ascii().then_some((character, end + 1))
}

/// The ASCII character with this number, in two digits.
fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_redacted_however_it_is_escaped() {
        let key = "se/s+me=\"&<42";
        for spelled in [
            key,
            r#"se\/s+me=\"&<42"#,
            r"se/s\u002bme\u003D\u0022\u0026\u003c42",
            r#"se\\\/s+me=\\\"&<42"#,
            "se%2Fs%2bme%3D%22%26%3C42",
            "se/s+me=&quot;&amp;&lt;42",
            "se&#47;s&#x2B;me=&#34;&#38;&#x3c;42",
        ] {
            let text = format!("é{spelled}: {spelled}\\%&é");
            assert_eq!(redact(&text, key), "é(redacted): (redacted)\\%&é", "{spelled}");
        }
        assert_eq!(redact(r"a\b\\b", r"a\b"), r"(redacted)\\b");
        assert_eq!(redact(r#"{"a":"a\\b"}"#, r"a\b"), r#"{"a":"(redacted)"}"#);
    }

    #[test]
    fn backslashes_are_counted_once() {
        for end in ["", "n", "u", "u00", "u00zz", "é"] {
            let text = "\\".repeat(1 << 20) + end;
            assert!(redact(&text, "sesame42") == text, "{end}");
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in
            ["%", "%4", "%zz", "&", "&;", "&#;", "&#x;", "\\", "\\u", "\\u00", "é%C3%A9", "100 %"]
        {
            assert_eq!(redact(text, "sesame42"), text);
        }
    }
}
