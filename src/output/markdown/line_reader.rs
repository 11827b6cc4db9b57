//! Reading the beginning of a line: space, and what begins or goes on with a quote or a
//! list. `None` means everywhere that more of the line decides.

use crate::output::markdown::container::{Container, Kind};

/// Tabs go to multiples of this many columns, and code is indented by as many.
pub const TAB: usize = 4;

pub struct LineReader<'a> {
    pub text: &'a str,
    pub is_whole: bool,
    pub at: usize,
    /// Tabs go to multiples of 4.
    pub column: usize,
    /// Where the text of the innermost quote begins.
    pub base: usize,
    /// Where the text of the innermost container begins.
    pub inner: usize,
}

impl<'a> LineReader<'a> {
    pub fn new(text: &'a str, is_whole: bool) -> Self {
        Self { text, is_whole, at: 0, column: 0, base: 0, inner: 0 }
    }

    /// The byte at `offset` from here; a newline at the end of the line.
    pub fn peek(&self, offset: usize) -> Option<u8> {
        let byte = self.text.as_bytes().get(self.at + offset).copied();
        byte.or(self.is_whole.then_some(b'\n'))
    }

    pub fn byte(&self) -> Option<u8> {
        self.peek(0)
    }

    pub fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    pub fn indent(&self) -> usize {
        self.column.saturating_sub(self.inner)
    }

    pub fn advance(&mut self, count: usize) {
        for byte in &self.text.as_bytes()[self.at..self.at + count] {
            self.column += if *byte == b'\t' { TAB - self.column % TAB } else { 1 };
        }
        self.at += count;
    }

    pub fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_start_matches([' ', '\t']).len());
    }

    /// Reads past the beginnings of containers that go on, and counts them.
    pub fn keep(&mut self, containers: &[Container]) -> Option<usize> {
        for (index, container) in containers.iter().enumerate() {
            self.skip_spaces();
            let byte = self.byte()?;
            let column = self.column - self.base;
            match container.kind {
                Kind::Quote if byte == b'>' && self.indent() < TAB => {
                    self.quote();
                }
                Kind::Item { .. } if byte == b'\n' => {}
                Kind::Item { text, .. } if column >= text => self.inner = self.base + text,
                // Models indent a list in another less than CommonMark wants.
                Kind::Item { marker, .. }
                    if column >= marker + 2 && self.marker(false)?.is_some() =>
                {
                    self.inner = self.column;
                }
                _ => return Some(index),
            }
        }
        Some(containers.len())
    }

    /// Reads a `>`, and the space behind it.
    pub fn quote(&mut self) -> Container {
        self.advance(1);
        if self.rest().starts_with(' ') {
            self.advance(1);
        }
        self.base = self.column;
        self.inner = self.base;
        Container::quote()
    }

    /// The length of the marker of a list item, if there is one. In a paragraph, only a
    /// list that begins with 1 and has text is one.
    pub fn marker(&self, goes_on: bool) -> Option<Option<usize>> {
        let digits = |at: &usize| self.peek(*at).is_some_and(|byte| byte.is_ascii_digit());
        let length = match self.byte()? {
            b'-' | b'+' | b'*' => 1,
            byte if byte.is_ascii_digit() => {
                let digits = (0..10).take_while(digits).count();
                if digits > 9 || !matches!(self.peek(digits)?, b'.' | b')') {
                    return Some(None);
                }
                if goes_on && &self.rest()[..digits] != "1" {
                    return Some(None);
                }
                digits + 1
            }
            _ => return Some(None),
        };
        Some(match self.peek(length)? {
            b' ' | b'\t' => Some(length),
            b'\n' if !goes_on => Some(length),
            _ => None,
        })
    }

    /// Reads the marker of an item, and the box of a task.
    pub fn item(&mut self, length: usize) -> Option<Container> {
        let start = self.column - self.base;
        let is_bullet = !self.byte()?.is_ascii_digit();
        let number = self.rest()[..length].to_owned();
        let Some((offset, mark)) = self.task(length)? else {
            self.advance(length);
            let before = self.column;
            self.skip_spaces();
            let is_empty = self.byte()? == b'\n';
            // More space belongs to code that is indented.
            self.inner = if is_empty { before + 1 } else { self.column.min(before + TAB) };
            let marker = if is_bullet { "•".to_owned() } else { number };
            return Some(Container::item(start, self.inner - self.base, marker));
        };
        self.advance(offset);
        let text = self.column - self.base;
        self.advance(mark.len());
        self.skip_spaces();
        self.inner = self.column;
        let marker = if is_bullet { mark.to_owned() } else { format!("{number} {mark}") };
        Some(Container::item(start, text, marker))
    }

    /// Where the box of a task is behind a marker of this length, and how it is shown.
    fn task(&self, length: usize) -> Option<Option<(usize, &'static str)>> {
        let mut offset = length;
        while matches!(self.peek(offset)?, b' ' | b'\t') {
            offset += 1;
        }
        if self.peek(offset)? != b'[' {
            return Some(None);
        }
        let mark = match self.peek(offset + 1)? {
            b' ' => "[ ]",
            b'x' | b'X' => "[x]",
            _ => return Some(None),
        };
        let is_box = self.peek(offset + 2)? == b']'
            && matches!(self.peek(offset + 3)?, b' ' | b'\t' | b'\n');
        Some(is_box.then_some((offset, mark)))
    }

    /// Whether this is a line of dashes, or, below a paragraph, of equals signs.
    pub fn is_rule(&self, goes_on: bool) -> Option<bool> {
        let mark = self.byte()?;
        let is_underline = goes_on && matches!(mark, b'=' | b'-');
        if !matches!(mark, b'-' | b'*' | b'_') && !is_underline {
            return Some(false);
        }
        let rest = self.rest();
        let is_mark = |c: char| c == char::from(mark) || matches!(c, ' ' | '\t' | '\r');
        if !rest.chars().all(is_mark) {
            return Some(false);
        }
        self.is_whole.then(|| {
            let count = rest.bytes().filter(|byte| *byte == mark).count();
            let has_gaps = rest.trim_end().len() > count;
            (is_underline && !has_gaps) || (mark != b'=' && count >= 3)
        })
    }
}
