//! The pieces of Markdown within a line (CommonMark 0.31, section 6) that are found by
//! looking ahead: code, addresses, tags, formulas and entities.

use pulldown_cmark::{Event, Parser};

/// What the text at hand begins with.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// This piece, which takes so many bytes.
    Piece(usize, T),
    /// Nothing special.
    Nothing,
    /// More of the text decides. It was searched up to this byte.
    More(usize),
}

/// A longer span is no span, so that a sign which stands for itself does not hold
/// back the rest of a long paragraph. In bytes.
pub const MAX_SPAN: usize = 512;

/// A longer run of one sign is text.
pub const MAX_RUN: usize = 64;

/// The longest address of a link, in bytes.
pub const MAX_ADDRESS: usize = 2048;

/// The name of an entity is no longer.
const MAX_ENTITY: usize = 33;

const URL_STARTS: [&str; 3] = ["https://", "http://", "www."];

/// How many times `text` begins with `mark`, up to [`MAX_RUN`].
pub fn run(text: &str, mark: char) -> usize {
    text.chars().take(MAX_RUN).take_while(|c| *c == mark).count()
}

/// Code between backticks. `searched` is where an earlier search stopped.
pub fn code(text: &str, searched: usize, is_end: bool) -> Found<String> {
    let open = run(text, '`');
    if open == MAX_RUN {
        return Found::Nothing;
    }
    if open == text.len() && !is_end {
        return Found::More(0);
    }
    let mut at = searched.max(open);
    while let Some(start) = text[at..].find('`').map(|start| at + start) {
        let length = run(&text[start..], '`');
        let end = start + length;
        if end > MAX_SPAN {
            return Found::Nothing;
        }
        if end == text.len() && !is_end {
            return Found::More(start);
        }
        if length == open {
            return Found::Piece(end, trimmed_code(&text[open..start]));
        }
        at = end;
    }
    match is_end || text.len() > MAX_SPAN {
        true => Found::Nothing,
        false => Found::More(text.len()),
    }
}

/// Without one space at each end, which separates code from a backtick in it.
fn trimmed_code(code: &str) -> String {
    let code = code.replace('\n', " ");
    let inner = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
    inner.filter(|inner| !inner.trim_matches(' ').is_empty()).unwrap_or(&code).to_owned()
}

/// A formula in LaTeX, whose signs are no Markdown: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`.
pub fn formula(text: &str, is_end: bool) -> Found<()> {
    let (open, close) = match text {
        "$" if !is_end => return Found::More(0),
        _ if text.starts_with("$$") => (2, "$$"),
        _ if text.starts_with('$') => (1, "$"),
        _ if text.starts_with("\\(") => (2, "\\)"),
        _ => (2, "\\]"),
    };
    let body = &text[open..];
    let is_dollar = close == "$";
    // A price; a formula that begins with a digit may be one word.
    let is_price = is_dollar && body.starts_with(|c: char| c.is_ascii_digit());
    if is_dollar && body.starts_with(char::is_whitespace) {
        return Found::Nothing;
    }
    for (at, c) in body.char_indices() {
        let end = open + at + close.len();
        let rest = &body[at..];
        if end > MAX_SPAN || (is_price && c.is_whitespace()) {
            return Found::Nothing;
        }
        if !rest.starts_with(close) || (is_dollar && body[..at].ends_with('\\')) {
            if !is_dollar && rest.starts_with(&text[..open]) {
                return Found::Nothing;
            }
            continue;
        }
        if !is_dollar {
            return Found::Piece(end, ());
        }
        // As pandoc has it, so that prices and variables are none.
        return match text[end..].chars().next() {
            None if !is_end => Found::More(0),
            Some(next) if next.is_ascii_digit() => Found::Nothing,
            _ if body[..at].ends_with(char::is_whitespace) => Found::Nothing,
            _ => Found::Piece(end, ()),
        };
    }
    if is_end { Found::Nothing } else { Found::More(0) }
}

/// An entity, as its character.
pub fn entity(text: &str, is_end: bool) -> Found<String> {
    let name = text[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '#');
    let end = match name.map(|end| 1 + end) {
        Some(end) if text[end..].starts_with(';') && end <= MAX_ENTITY => end + 1,
        None if !is_end && text.len() <= MAX_ENTITY => return Found::More(0),
        _ => return Found::Nothing,
    };
    let entity = &text[..end];
    match Parser::new(entity).nth(1) {
        Some(Event::Text(decoded)) if *decoded != *entity => Found::Piece(end, decoded.to_string()),
        _ => Found::Nothing,
    }
}

/// A tag without attributes is shorter, in bytes.
const MAX_TAG: usize = 48;

/// What angle brackets hold.
#[derive(Debug, PartialEq, Eq)]
pub enum Angle {
    Address,
    LineBreak,
    Tag,
}

/// An address or a tag in angle brackets.
pub fn angle(text: &str, is_end: bool) -> Found<Angle> {
    let inner = &text[1..];
    match inner.chars().next() {
        None if !is_end => return Found::More(0),
        Some(c) if c.is_ascii_alphabetic() || c == '/' => {}
        _ => return Found::Nothing,
    }
    // A tag of so many words has values; anything else compares two things.
    let start = inner.get(..MAX_TAG).filter(|start| !start.contains('>'));
    if start.is_some_and(|start| start.contains(' ') && !start.contains('=')) {
        return Found::Nothing;
    }
    let Some(end) = inner.find(['<', '>', '\n']) else {
        let may_end = !is_end && text.len() <= MAX_SPAN;
        return if may_end { Found::More(0) } else { Found::Nothing };
    };
    if !inner[end..].starts_with('>') || end > MAX_SPAN {
        return Found::Nothing;
    }
    let inner = &inner[..end];
    let name = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '/');
    let name = &inner[..name.unwrap_or(inner.len())];
    let kind = match () {
        () if name.trim_end_matches('/').eq_ignore_ascii_case("br") => Angle::LineBreak,
        () if !inner.contains(char::is_whitespace) && inner.contains([':', '@']) => Angle::Address,
        () if name.is_empty() => return Found::Nothing,
        () => Angle::Tag,
    };
    Found::Piece(end + 2, kind)
}

/// An address without any brackets.
pub fn bare_address(text: &str, is_end: bool) -> Found<()> {
    let is_cut = |start: &&&str| text.len() < start.len() && start.starts_with(text);
    let Some(start) = URL_STARTS.iter().find(|start| text.starts_with(**start)) else {
        let may_begin = !is_end && URL_STARTS.iter().any(|start| is_cut(&start));
        return if may_begin { Found::More(0) } else { Found::Nothing };
    };
    let is_part = |c: char| c.is_ascii_graphic() && !"<>`\"[]|\\".contains(c);
    let end = match text.find(|c: char| !is_part(c)) {
        Some(end) => end.min(MAX_ADDRESS),
        None if is_end || text.len() > MAX_ADDRESS => text.len().min(MAX_ADDRESS),
        None => return Found::More(0),
    };
    let mut address = &text[..end];
    // Punctuation at the end belongs to the sentence (GitHub's Markdown, 6.9).
    loop {
        let shorter = address.trim_end_matches(|c: char| "?!.,:;*_~'".contains(c));
        let count = |c| shorter.matches(c).count();
        let shorter = match shorter.strip_suffix(')') {
            Some(inner) if count(')') > count('(') => inner,
            _ => shorter,
        };
        if shorter.len() == address.len() {
            break;
        }
        address = shorter;
    }
    match address.len() > start.len() {
        true => Found::Piece(address.len(), ()),
        false => Found::Nothing,
    }
}
