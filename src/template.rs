//! A template: text with variables in double braces, such as `{{lang}}`. A backslash
//! makes the braces after it text.

use std::borrow::Cow;
use std::fmt;

/// How a variable begins and ends.
const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// What other template languages write at the start of a tag: sections, partials,
/// comments and unescaped values.
const TAGS: &[char] = &['#', '/', '^', '!', '>', '&', '%', '{'];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The name of a variable.
    Variable(String),
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFlaw {
    /// Counted from 1.
    pub line: usize,
    reason: String,
}

impl fmt::Display for TemplateFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Template {
    /// Parses the text of a template. One newline at its end is dropped.
    ///
    /// # Errors
    /// A [`TemplateFlaw`] if braces are not closed on their line, or hold anything but
    /// a name.
    pub fn parse(text: &str) -> Result<Self, TemplateFlaw> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, after)) = rest.split_once(OPEN) {
            if let Some(before) = before.strip_suffix('\\') {
                literal.push_str(before);
                literal.push_str(OPEN);
                rest = after;
                continue;
            }
            let line = 1 + text[..text.len() - after.len()].matches('\n').count();
            let (name, after) = variable(after).map_err(|reason| TemplateFlaw { line, reason })?;
            literal.push_str(before);
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Variable(name.to_owned()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self { pieces })
    }

    /// The names of the variables, as often as they occur.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    pub fn has(&self, variable: &str) -> bool {
        self.variables().any(|name| name == variable)
    }

    /// The text with the values of the variables, which are put in as they are.
    /// `value_of` is given the name of a variable.
    pub fn expand<'v, V: Into<Cow<'v, str>>>(&'v self, value_of: impl Fn(&'v str) -> V) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(literal) => literal.into(),
            Piece::Variable(name) => value_of(name).into(),
        });
        pieces.collect()
    }
}

/// The name at the start of `rest`, which follows the opening braces, and what comes
/// after the closing ones.
fn variable(rest: &str) -> Result<(&str, &str), String> {
    let closed = rest
        .split_once(CLOSE)
        .filter(|(inside, _)| !inside.contains('\n') && !inside.contains(OPEN));
    let Some((inside, after)) = closed else {
        let reason = "{{ has no }} on its line; for the braces themselves, write \\{{";
        return Err(reason.to_owned());
    };
    let name = inside.trim();
    match name.chars().next() {
        None => Err("{{}} has no name in it; for the braces themselves, write \\{{}}".to_owned()),
        Some(first) if TAGS.contains(&first) || name.contains('=') => Err(format!(
            "{{{{{inside}}}}} is not a variable, and templates have nothing else; for the braces themselves, write \\{{{{"
        )),
        Some(_) => Ok((name, after)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expand(text: &str) -> String {
        Template::parse(text).expect(text).expand(|name| match name {
            "a" => "A",
            "b-c d" => "B",
            "größe" => "C",
            _ => "?",
        })
    }

    #[test]
    fn variables_are_replaced_and_escaped_braces_are_not() {
        for (text, expanded) in [
            ("", ""),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("{{a}}", "A"),
            ("1{{ a }}2{{\tb-c d}}3", "1A2B3"),
            ("{{größe}}{{größe}}", "CC"),
            (r"\{{a}}", "{{a}}"),
            (r"\\{{a}}", r"\{{a}}"),
            (r"\ {{a}}", r"\ A"),
            ("a } b { c }} d", "a } b { c }} d"),
            ("{ {a} }", "{ {a} }"),
        ] {
            assert_eq!(expand(text), expanded, "{text:?}");
        }
    }

    #[test]
    fn flaws_name_their_line() {
        for (text, line, start) in [
            ("a\n{{b", 2, "{{ has no }}"),
            ("{{a\n}}", 1, "{{ has no }}"),
            ("{{a {{b}}", 1, "{{ has no }}"),
            ("{{{a}}}", 1, "{{{a}} is not a variable"),
            ("{{a=b}}", 1, "{{a=b}} is not a variable"),
            ("{{a}}\n\n{{ }}", 3, "{{}} has no name"),
            ("{{#if a}}", 1, "{{#if a}} is not a variable"),
        ] {
            let flaw = Template::parse(text).expect_err(text);
            assert_eq!(flaw.line, line, "{text:?}");
            assert!(flaw.to_string().starts_with(start), "{flaw}");
        }
    }

    proptest! {
        #[test]
        fn any_text_whose_braces_are_escaped_comes_back(text in r"[\\{}a\n ]{0,20}") {
            let escaped = text.replace(OPEN, r"\{{") + "\n";
            prop_assert_eq!(expand(&escaped), text);
        }

        #[test]
        fn values_are_never_expanded(value in r"[\\{}a\n ]{0,20}") {
            let template = Template::parse("x{{a}}y{{a}}").expect("a template");
            let expanded = template.expand(|_| &value);
            prop_assert_eq!(expanded, format!("x{value}y{value}"));
        }
    }
}
