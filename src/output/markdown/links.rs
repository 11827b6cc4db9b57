//! The addresses of links and images (CommonMark 0.31, section 6.3).

use crate::output::markdown::spans::{Found, MAX_ADDRESS, entity};

/// More nested parentheses end an address, as in CommonMark's own implementation.
const MAX_PARENTHESES: u32 = 32;

/// The address of a link, and its title, in the parentheses that `text` begins with.
pub fn link_end(text: &str, is_end: bool) -> Found<String> {
    let limit = (0..4).find_map(|more| text.get(..MAX_ADDRESS + more));
    let known = limit.unwrap_or(text);
    let is_cut = known.len() == text.len() && !is_end;
    let failed = || if is_cut { Found::More(0) } else { Found::Nothing };
    let blank = |text: &str| text.len() - text.trim_start().len();
    let mut at = 1 + blank(&known[1..]);
    let address = match known[at..].strip_prefix('<') {
        Some(inner) => match inner.find(['>', '\n', '<']) {
            Some(end) if inner[end..].starts_with('>') => {
                at += end + 2;
                &inner[..end]
            }
            Some(_) => return Found::Nothing,
            None => return failed(),
        },
        None => match plain_address(&known[at..]) {
            Some(end) => {
                let address = &known[at..at + end];
                at += end;
                address
            }
            None => return failed(),
        },
    };
    let after = at + blank(&known[at..]);
    let rest = &known[after..];
    match rest.chars().next() {
        None => failed(),
        Some(')') => Found::Piece(after + 1, address.to_owned()),
        Some(quote @ ('"' | '\'' | '(')) if after > at => {
            let quote = if quote == '(' { ')' } else { quote };
            let is_end = |(at, c): &(usize, char)| *c == quote && !rest[..*at].ends_with('\\');
            let Some((end, _)) = rest.char_indices().skip(1).find(is_end) else {
                return failed();
            };
            let title = after + end + 1;
            let end = title + blank(&known[title..]);
            match known[end..].chars().next() {
                None => failed(),
                Some(')') => Found::Piece(end + 1, address.to_owned()),
                Some(_) => Found::Nothing,
            }
        }
        Some(_) => Found::Nothing,
    }
}

/// Where an address without angle brackets ends: at a space, or at a parenthesis that
/// was not opened. `None` if it goes on.
fn plain_address(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' if depth < MAX_PARENTHESES => depth += 1,
            ')' if depth > 0 && !text[..at].ends_with('\\') => depth -= 1,
            ')' | '(' => return Some(at),
            c if c.is_whitespace() || c.is_control() => return Some(at),
            _ => {}
        }
    }
    None
}

/// `text` without backslashes before punctuation, its entities decoded.
pub fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '\\' if after.starts_with(|c: char| c.is_ascii_punctuation()) => {
                plain.push_str(&after[..1]);
                rest = &after[1..];
            }
            '&' => match entity(rest, true) {
                Found::Piece(length, decoded) => {
                    plain += &decoded;
                    rest = &rest[length..];
                }
                _ => {
                    plain.push(c);
                    rest = after;
                }
            },
            c => {
                plain.push(c);
                rest = after;
            }
        }
    }
    plain
}
