//! JSON as servers put it into their texts: cut off at any place, or as Python
//! and JavaScript print it.

use crate::wire::loose_string;

/// How deep a value is read. What is nested deeper is passed over.
const DEPTH: usize = 32;

/// How many items of a list are kept. An error with more says nothing new.
const ITEMS: usize = 32;

/// How many fields are kept, of all objects. That is more than 64 KiB have, the
/// longest error body.
const FIELDS: usize = 16 << 10;

/// The fields of an object, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, LooseValue)>);

impl Fields {
    /// The last field with this name, given in lower case and without underscores.
    pub fn get(&self, name: &str) -> Option<&LooseValue> {
        self.0.iter().rfind(|field| is_named(&field.0, name)).map(|field| &field.1)
    }

    pub fn iter(&self) -> impl Iterator<Item = &(String, LooseValue)> {
        self.0.iter()
    }
}

/// Whether a field's name is `wanted`, whatever its case and its separators.
pub fn is_named(name: &str, wanted: &str) -> bool {
    let letters = name.bytes().filter(|byte| !b"_-".contains(byte));
    letters.map(|byte| byte.to_ascii_lowercase()).eq(wanted.bytes())
}

/// A value, as far as words can be found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LooseValue {
    Text(String),
    Number(String),
    List(Vec<LooseValue>),
    Object(Fields),
    /// `null`, a boolean, or what is no JSON, such as `ValueError('…')`.
    Other,
}

impl LooseValue {
    /// Whether this is an object with fields, or a list that has one in it.
    pub fn has_object(&self) -> bool {
        match self {
            Self::Object(fields) => !fields.0.is_empty(),
            Self::List(items) => items.iter().any(Self::has_object),
            _ => false,
        }
    }

    /// A field of an object.
    pub fn field(&self, name: &str) -> Option<&LooseValue> {
        match self {
            Self::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// A text or a number, as text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            _ => None,
        }
    }
}

/// Parses the value at the start of `text`, if there is one, and returns it with
/// what follows. Tuples, quotes of either kind, names without quotes and `None` are
/// understood. A value that is cut off ends where the text does, and an object
/// whose beginning is valid ends where it no longer is.
pub fn parse(text: &str) -> Option<(LooseValue, &str)> {
    let mut parser = LooseParser { text, at: 0, fields: 0 };
    let value = parser.value(DEPTH)?;
    Some((value, &text[parser.at..]))
}

struct LooseParser<'a> {
    text: &'a str,
    at: usize,
    /// How many fields have begun so far.
    fields: usize,
}

impl<'a> LooseParser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next_after_space(&mut self) -> Option<u8> {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.peek()
    }

    fn value(&mut self, depth: usize) -> Option<LooseValue> {
        match self.next_after_space()? {
            b'{' | b'[' | b'(' if depth == 0 => {
                self.pass_over_brackets();
                Some(LooseValue::Other)
            }
            b'{' => self.object(depth),
            b'[' => self.list(depth, b']'),
            b'(' => self.list(depth, b')'),
            b'<' => {
                // Python prints objects as `<Response [400]>`.
                self.at =
                    self.text[self.at..].find('>').map_or(self.text.len(), |end| self.at + end + 1);
                Some(LooseValue::Other)
            }
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                Some(LooseValue::Text(self.string(quote)))
            }
            _ => self.word(),
        }
    }

    /// An object, or `None` if it does not begin with a name and a colon.
    fn object(&mut self, depth: usize) -> Option<LooseValue> {
        self.at += 1;
        let mut fields = Fields::default();
        let mut has_begun = false;
        loop {
            let name = match self.next_after_space() {
                None => break,
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(b',') if has_begun => {
                    self.at += 1;
                    continue;
                }
                Some(quote @ (b'"' | b'\'')) => {
                    self.at += 1;
                    Some(self.string(quote))
                }
                Some(_) => self.bare_word().map(str::to_owned),
            };
            let value = match (name, self.next_after_space()) {
                (Some(name), Some(b':')) => {
                    self.at += 1;
                    self.fields += 1;
                    // An object counts before the fields in it.
                    let is_kept = self.fields <= FIELDS;
                    self.value(depth - 1).map(|value| (name, value, is_kept))
                }
                (Some(_), None) => None,
                _ => return has_begun.then_some(LooseValue::Object(fields)),
            };
            let Some((name, value, is_kept)) = value else { break };
            has_begun = true;
            fields.0.extend(is_kept.then_some((name, value)));
        }
        Some(LooseValue::Object(fields))
    }

    /// A list, or `None` if it ends with something else than `close` or the text
    /// and holds no object.
    fn list(&mut self, depth: usize, close: u8) -> Option<LooseValue> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            match self.next_after_space() {
                None => break,
                Some(byte) if byte == close => {
                    self.at += 1;
                    break;
                }
                Some(b',') if !items.is_empty() => {
                    self.at += 1;
                    continue;
                }
                Some(_) => {}
            }
            match self.value(depth - 1) {
                Some(value) if items.len() < ITEMS => items.push(value),
                Some(_) => {}
                None if self.peek().is_none() => break,
                None => {
                    let list = LooseValue::List(items);
                    return list.has_object().then_some(list);
                }
            }
        }
        Some(LooseValue::List(items))
    }

    /// A number, a constant, or an expression such as `ValueError('…')`.
    fn word(&mut self) -> Option<LooseValue> {
        let word = self.bare_word()?;
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Some(LooseValue::Number(word.to_owned()));
        }
        Some(match self.peek() {
            // Python's b'…' and the like.
            Some(quote @ (b'"' | b'\'')) if word.len() <= 2 => {
                self.at += 1;
                LooseValue::Text(self.string(quote))
            }
            Some(b'(') => {
                self.pass_over_brackets();
                LooseValue::Other
            }
            _ => LooseValue::Other,
        })
    }

    fn bare_word(&mut self) -> Option<&'a str> {
        let is_end = |c: char| !c.is_alphanumeric() && !"_$.+-".contains(c);
        let rest = &self.text[self.at..];
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.at += word.len();
        (!word.is_empty()).then_some(word)
    }

    /// Passes over a bracket, all that is in it, and the one that closes it.
    fn pass_over_brackets(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' if depth <= 1 => return,
                b'}' | b']' | b')' => depth -= 1,
                b'"' | b'\'' => drop(self.string(byte)),
                _ => {}
            }
        }
    }

    /// The rest of a string, up to its quote or the end of the text.
    fn string(&mut self, quote: u8) -> String {
        let (string, length) = loose_string::read(&self.text[self.at..], Some(quote));
        self.at += length;
        string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> LooseValue {
        LooseValue::Text(text.to_owned())
    }

    fn object(fields: &[(&str, LooseValue)]) -> LooseValue {
        let field = |(name, value): &(&str, LooseValue)| ((*name).to_owned(), value.clone());
        LooseValue::Object(Fields(fields.iter().map(field).collect()))
    }

    #[track_caller]
    fn parsed(json: &str) -> LooseValue {
        parse(json).unwrap_or_else(|| panic!("{json} is a value")).0
    }

    #[test]
    fn json_and_python_are_understood() {
        let number = |number: &str| LooseValue::Number(number.to_owned());
        let expected = object(&[
            ("a", text("it's \"é\" 😀")),
            ("b", LooseValue::List(vec![number("1"), number("-2.5e3"), LooseValue::Other])),
            ("c", LooseValue::Other),
        ]);
        for json in [
            r#"{"a":"it's \"\u00e9\" \ud83d\ude00","b":[1,-2.5e3,null],"c":true}"#,
            r#"{'a': 'it\'s "\xe9" \U0001f600', 'b': (1, -2.5e3, None), 'c': ValueError('x)')}"#,
        ] {
            assert_eq!(parsed(json), expected, "{json}");
        }
        assert_eq!(
            parsed("{ error: { code: 5 } }"),
            object(&[("error", object(&[("code", number("5"))]))])
        );
        assert_eq!(parsed(r#""\ud83d!""#), text("\u{fffd}!"));
    }

    #[test]
    fn a_value_that_is_cut_off_ends_where_the_text_does() {
        let whole = r#"{"error":{"message":"no \u00e9 kite","x":[1,{"y":"z"}]}}"#;
        for end in 2..=whole.len() {
            assert!(parse(&whole[..end]).is_some(), "{}", &whole[..end]);
        }
        assert_eq!(parsed(r#"{"a":"b"#), object(&[("a", text("b"))]));
        assert_eq!(parsed(r#"{"a":"b\u00"#), object(&[("a", text("b"))]));
    }

    #[test]
    fn prose_is_no_value() {
        for prose in ["{model} is not", "{ is", "model", ": x", "[a: b]", ""] {
            let value = parse(prose).map(|(value, _)| value);
            assert!(!value.is_some_and(|value| value.has_object()), "{prose}");
        }
        let (value, rest) = parse(r#"{"a":1} and more"#).expect("a value");
        assert!(value.has_object());
        assert_eq!(rest, " and more");
    }

    #[test]
    fn deep_nesting_is_passed_over() {
        for bracket in ["[", "{\"a\":", "("] {
            assert!(parse(&bracket.repeat(200_000)).is_some());
        }
        let deep = "[".repeat(1000) + "\"]\"" + &"]".repeat(1000);
        let (value, rest) = parse(&deep).expect("a value");
        assert!(!value.has_object());
        assert_eq!(rest, "");
    }
}
