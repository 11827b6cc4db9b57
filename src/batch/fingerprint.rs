//! A hash that recognizes a request again, on any machine and in any later
//! version. It does not depend on white space, on the order of fields, or on how
//! strings are escaped.

use std::fmt;
use std::hash::Hasher;

use memchr::memchr2;
use serde_json::value::RawValue;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::wtf8::Text;

/// What the id of a result line begins with if the rest of it is a fingerprint.
const PREFIX: &str = "gravix_";

/// How many hexadecimal digits follow.
const DIGITS: usize = 32;

/// The hash of a request's body, which is JSON. Two numbers are equal only if they are
/// written alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fingerprint(u128);

impl Fingerprint {
    pub fn of(body: &str) -> Self {
        Self(hash_json(body))
    }

    /// The fingerprint in the id of a result line. `None` if there is none, as in the
    /// lines of other programs.
    pub fn from_line_id(id: &str) -> Option<Self> {
        let digits = id.strip_prefix(PREFIX).filter(|digits| digits.len() == DIGITS)?;
        u128::from_str_radix(digits, 16).ok().map(Self)
    }

    /// The first `bits` of it, at most 32.
    pub fn head(self, bits: u32) -> u32 {
        (self.0 >> (u128::BITS - bits)) as u32
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:0DIGITS$x}", self.0)
    }
}

/// What is hashed, so that no two kinds of values have the same hash.
#[derive(Clone, Copy)]
enum Kind {
    String,
    /// A number, `true`, `false` or `null`.
    Word,
    Element,
    List,
    Field,
    Fields,
}

fn hash(kind: Kind, parts: [&[u8]; 2]) -> u128 {
    let mut hasher = SipHasher13::new_with_keys(0, kind as u64);
    for part in parts {
        hasher.write(part);
    }
    hasher.finish128().as_u128()
}

/// An array or an object that is not closed yet.
enum Open {
    List {
        so_far: u128,
    },
    /// The sum does not depend on the order of the fields.
    Fields {
        sum: u128,
        name: Option<u128>,
    },
}

impl Open {
    /// Adds the hash of an element, or of a name or value.
    fn add(&mut self, part: u128) {
        match self {
            Self::List { so_far } => {
                *so_far = hash(Kind::Element, [&so_far.to_le_bytes(), &part.to_le_bytes()]);
            }
            Self::Fields { name: name @ None, .. } => *name = Some(part),
            Self::Fields { sum, name: name @ Some(_) } => {
                let name = name.take().unwrap_or_default();
                let field = hash(Kind::Field, [&name.to_le_bytes(), &part.to_le_bytes()]);
                *sum = sum.wrapping_add(field);
            }
        }
    }

    fn close(self) -> u128 {
        match self {
            Self::List { so_far } => hash(Kind::List, [&so_far.to_le_bytes(), b""]),
            Self::Fields { sum, .. } => hash(Kind::Fields, [&sum.to_le_bytes(), b""]),
        }
    }
}

/// The hash of a JSON text. It can be nested as deep as memory allows.
fn hash_json(json: &str) -> u128 {
    let bytes = json.as_bytes();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        let value = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => continue,
            b'{' => {
                open.push(Open::Fields { sum: 0, name: None });
                continue;
            }
            b'[' => {
                open.push(Open::List { so_far: 0 });
                continue;
            }
            b'}' | b']' => open.pop().map_or(0, Open::close),
            b'"' => {
                at = string_end(bytes, at);
                hash_string(&json[start..at])
            }
            _ => {
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",]}".contains(byte);
                at = bytes[at..].iter().position(is_end).map_or(bytes.len(), |end| at + end);
                hash(Kind::Word, [&bytes[start..at], b""])
            }
        };
        match open.last_mut() {
            Some(open) => open.add(value),
            None => return value,
        }
    }
    0
}

/// The end of the string whose content begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

fn hash_string(quoted: &str) -> u128 {
    let decoded = match quoted.contains('\\') {
        true => serde_json::from_str::<&RawValue>(quoted).ok().and_then(Text::scalar),
        false => None,
    };
    let inside = quoted.trim_matches('"').as_bytes();
    hash(Kind::String, [decoded.as_ref().map_or(inside, |text| &text.bytes), b""])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_equal(is_equal: bool, pairs: &[(&str, &str)]) {
        for (a, b) in pairs {
            assert_eq!(Fingerprint::of(a) == Fingerprint::of(b), is_equal, "{a} {b}");
        }
    }

    #[test]
    fn what_is_written_differently_is_the_same() {
        assert_equal(
            true,
            &[
                (r#"{"a":1,"b":[true,null]}"#, "{ \"b\" :\n[ true , null ],\t\"a\": 1 }\r\n"),
                (r#"{"a":"\u00e9\n\/\ud83d\ude00"}"#, "{\"a\":\"é\\u000a/😀\"}"),
                (r#"{"\u0061":{"y":1,"x":2}}"#, r#"{"a":{"x":2,"y":1}}"#),
                (r#"{"a":"\ud83d"}"#, r#"{"a":"\uD83D"}"#),
                (r#"{"a":"x\"y"}"#, r#"{"a":"x\u0022y"}"#),
            ],
        );
    }

    #[test]
    fn what_means_something_else_is_different() {
        assert_equal(
            false,
            &[
                (r#"{"a":1}"#, r#"{"a":2}"#),
                (r#"{"a":1}"#, r#"{"a":"1"}"#),
                (r#"{"a":"b","c":"d"}"#, r#"{"a":"d","c":"b"}"#),
                (r#"{"a":["x","y"]}"#, r#"{"a":["y","x"]}"#),
                (r#"{"a":[]}"#, r#"{"a":{}}"#),
                (r#"{"a":[[1],2]}"#, r#"{"a":[[1,2]]}"#),
                (r#"{"a":{}}"#, "{}"),
                (r#"{"a":null}"#, r#"{"a":"null"}"#),
                (r#"{"a":""}"#, r#"{"a":"\""}"#),
            ],
        );
    }

    #[test]
    fn a_fingerprint_stays_the_same_in_later_versions() {
        let body = r#"{"model":"m","temperature":0.5,"messages":[{"role":"user","content":"hé"}]}"#;
        let line_id = Fingerprint::of(body).to_string();
        assert_eq!(line_id, "gravix_3673bee60a4019104c5ed656f527f4ff");
        assert_eq!(Fingerprint::from_line_id(&line_id), Some(Fingerprint::of(body)));
        for other in ["batch_req_0123", "gravix_12", "gravix_", ""] {
            assert_eq!(Fingerprint::from_line_id(other), None, "{other}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_ne!(Fingerprint::of(&deep), Fingerprint::of("[]"));
    }
}
