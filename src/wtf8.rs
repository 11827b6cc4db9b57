//! JSON strings with lone surrogates, which `String` cannot hold. They are kept
//! as WTF-8 (<https://simonsapin.github.io/wtf-8/>) and converted to UTF-8 once
//! complete.

use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;

/// The text of a JSON value.
#[derive(Debug, Default)]
pub struct Text {
    /// WTF-8: UTF-8 that may also encode lone surrogates.
    pub bytes: Vec<u8>,
    /// The JSON contains these bytes as one string without escapes.
    pub is_literal: bool,
}

impl Text {
    /// The content of a string, or a number or a boolean as it is written. `None`
    /// for other values.
    pub fn scalar(json: &RawValue) -> Option<Self> {
        match json.get().as_bytes().first()? {
            b'"' => serde_json::Deserializer::from_str(json.get()).deserialize_bytes(Bytes).ok(),
            b'[' | b'{' | b'n' => None,
            _ => Some(Self { bytes: json.get().into(), is_literal: false }),
        }
    }

    pub fn into_utf8(self) -> String {
        to_utf8(self.bytes)
    }
}

/// A whole text as UTF-8. Each lone surrogate becomes one U+FFFD.
pub fn to_utf8(wtf8: Vec<u8>) -> String {
    let mut surrogates = Surrogates::default();
    let mut text = surrogates.join(wtf8);
    text += &surrogates.end();
    text
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Text;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text { bytes: bytes.to_vec(), is_literal: false })
    }

    fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Text, E> {
        Ok(Text { bytes: bytes.to_vec(), is_literal: true })
    }
}

/// Converts the pieces of a text from WTF-8 to UTF-8. A surrogate pair split
/// over two pieces is joined, and a lone surrogate becomes U+FFFD.
#[derive(Debug, Default)]
pub struct Surrogates {
    /// The high surrogate that ended the last piece.
    high: Option<u16>,
}

impl Surrogates {
    /// Converts the next piece. A high surrogate at its end is held back for the
    /// piece after it, so the result may be empty.
    pub fn join(&mut self, wtf8: Vec<u8>) -> String {
        if wtf8.is_empty() {
            return String::new();
        }
        match (self.high, String::from_utf8(wtf8)) {
            (None, Ok(text)) => text,
            (_, Ok(text)) => self.end() + &text,
            (_, Err(error)) => self.join_slowly(error.as_bytes()),
        }
    }

    /// Ends the text: U+FFFD if a high surrogate was held back, otherwise empty.
    pub fn end(&mut self) -> String {
        self.high.take().map_or_else(String::new, |_| "\u{fffd}".to_owned())
    }

    fn join_slowly(&mut self, wtf8: &[u8]) -> String {
        let mut joined = String::new();
        let mut rest = wtf8;
        while !rest.is_empty() {
            // WTF-8 encodes surrogates as ED A0 80 to ED BF BF. No other
            // character starts with ED and a second byte of A0 or more.
            let at = rest.windows(3).position(|bytes| bytes[0] == 0xed && bytes[1] >= 0xa0);
            let (plain, surrogate) = rest.split_at(at.unwrap_or(rest.len()));
            if !plain.is_empty() {
                joined += &self.end();
                joined += &String::from_utf8_lossy(plain);
            }
            let Some((&[_, second, third], after)) = surrogate.split_first_chunk() else {
                break;
            };
            rest = after;
            let unit = 0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f);
            match self.high.take() {
                Some(high) if unit >= 0xdc00 => {
                    joined.extend(char::decode_utf16([high, unit]).flatten());
                }
                unpaired => {
                    joined.extend(unpaired.map(|_| '\u{fffd}'));
                    if unit < 0xdc00 {
                        self.high = Some(unit);
                    } else {
                        joined.push('\u{fffd}');
                    }
                }
            }
        }
        joined
    }
}
