//! JSON between the words of a text: `Error code: 400 - {'error': …}`.

use crate::wire::loose_json::{self, LooseValue};
use crate::wire::loose_string;

/// How many places in a text are tried for JSON. What comes after is dropped.
const PLACES: usize = 64;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum TextPart<'a> {
    Words(&'a str),
    /// An object, a list with one in it, or a string that is JSON itself.
    Json(LooseValue),
}

/// The parts of `text`, in their order.
pub fn split(text: &str) -> Vec<TextPart<'_>> {
    let mut parts = Vec::new();
    let mut places = PLACES;
    // `text[from..at]` are words, as far as is known.
    let (mut from, mut at) = (0, 0);
    while let Some(next) = text[at..].find(['{', '[', '"', '\'']) {
        at += next;
        if !may_be_json(&text[at..]) {
            at += 1;
            continue;
        }
        if places == 0 {
            parts.push(TextPart::Words(&text[from..at]));
            return parts;
        }
        places -= 1;
        match parse(&text[at..]) {
            None => at += 1,
            Some((value, rest)) => {
                parts.push(TextPart::Words(&text[from..at]));
                parts.push(TextPart::Json(value));
                at = text.len() - rest.len();
                from = at;
            }
        }
    }
    parts.push(TextPart::Words(&text[from..]));
    parts
}

/// Whether an object, a list, or a string that holds one may begin here.
fn may_be_json(text: &str) -> bool {
    match text.as_bytes() {
        [b'{' | b'[', ..] => true,
        [b'"' | b'\'', rest @ ..] => rest.starts_with(b"{") || rest.starts_with(b"["),
        _ => false,
    }
}

/// The JSON at the start of `text`, and what follows it. Lists without objects
/// are words, such as `one of ['a', 'b']`.
fn parse(text: &str) -> Option<(LooseValue, &str)> {
    if text.starts_with("{\\\"") || text.starts_with("[{\\\"") {
        return Some((LooseValue::Text(loose_string::read(text, None).0), ""));
    }
    let (value, rest) = loose_json::parse(text)?;
    (value.has_object() || matches!(value, LooseValue::Text(_))).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a text, with `#` for JSON.
    fn words(text: &str) -> String {
        let words = |part| match part {
            TextPart::Words(words) => words,
            TextPart::Json(_) => "#",
        };
        split(text).into_iter().map(words).collect()
    }

    #[test]
    fn json_is_told_from_words() {
        for (text, expected) in [
            ("no kite", "no kite"),
            (r#"a {"b":1} c [{'d': 2}]"#, "a # c #"),
            (r#"a "{\"b\":1}" c"#, "a # c"),
            (r#"a {\"b\":1} c"#, "a #"),
            (r#"a {"b":"cut o"#, "a #"),
            ("{kite} is one of ['a', \"b\"] {}", "{kite} is one of ['a', \"b\"] {}"),
            ("it's messages[0] 'é'", "it's messages[0] 'é'"),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn only_so_many_places_are_tried() {
        assert_eq!(words(&"{x} ".repeat(70)).len(), 4 * PLACES);
    }
}
