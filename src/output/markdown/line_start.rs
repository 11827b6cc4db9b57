//! What a line begins with (CommonMark 0.31, sections 3 to 5): the quotes and lists
//! that it goes on with or begins, and the kind of block. It is read again with each
//! character until that is decided.

use crate::output::markdown::container::{Container, Kind, MAX_DEPTH};
use crate::output::markdown::html::{self, HtmlEnd};

/// What is open before the line.
pub struct Context<'a> {
    pub containers: &'a [Container],
    /// Whether it may go on with the paragraph before it.
    pub in_paragraph: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct LineStart {
    /// How many of the open containers go on.
    pub kept: usize,
    pub new: Vec<Container>,
    pub block: BlockStart,
    /// Bytes read; the text of the block follows.
    pub length: usize,
    /// Columns of space before the block, from the text of its container.
    pub indent: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum BlockStart {
    Blank,
    Text,
    /// And its level.
    Heading(usize),
    /// Also what underlines a heading in CommonMark: its text is written by then.
    Rule,
    Fence(Fence),
    IndentedCode,
    Html(HtmlEnd),
    /// A formula that ends with a line that has this in it.
    Formula(&'static str),
    /// A row of a table, perhaps.
    Row,
    /// The address of a link.
    Definition,
    Footnote,
}

/// The beginning of fenced code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub mark: u8,
    pub length: usize,
    /// Columns of space before it, from the text of the innermost quote.
    pub indent: usize,
    /// The language, and what else stands there.
    pub info: String,
}

const TAB: usize = 4;

/// Longer definitions are text, so that a bracket does not hold back a line for long.
const MAX_LABEL: usize = 200;

/// Reads the beginning of a line, of which `text` is here; `is_whole` says that all of
/// it is. Returns `None` if more of it decides.
pub fn parse(context: &Context, text: &str, is_whole: bool) -> Option<LineStart> {
    let mut reader = Reader::new(text, is_whole);
    let kept = reader.keep(context.containers)?;
    let is_kept = kept == context.containers.len();
    let in_list = context.containers[..kept].iter().any(Container::is_item);
    let mut new = Vec::new();
    loop {
        reader.skip_spaces();
        let goes_on = context.in_paragraph && is_kept && new.is_empty();
        let may_go_on = context.in_paragraph && new.is_empty();
        let is_deep = reader.indent() >= TAB;
        let block = match reader.byte()? {
            b'\n' => BlockStart::Blank,
            _ if is_deep && !(in_list && reader.marker(goes_on)?.is_some()) => match may_go_on {
                true => BlockStart::Text,
                false => BlockStart::IndentedCode,
            },
            b'>' if kept + new.len() < MAX_DEPTH => {
                new.push(reader.quote());
                continue;
            }
            _ if reader.is_rule(goes_on)? => BlockStart::Rule,
            _ => match reader.marker(goes_on)? {
                Some(length) if kept + new.len() < MAX_DEPTH => {
                    new.push(reader.item(length)?);
                    continue;
                }
                _ => reader.block(goes_on)?,
            },
        };
        let indent = reader.indent();
        return Some(LineStart { kept, new, block, length: reader.at, indent });
    }
}

/// Reads the beginning of a line in a block whose text is not read, such as HTML.
pub fn parse_verbatim(containers: &[Container], text: &str, is_whole: bool) -> Option<LineStart> {
    let mut reader = Reader::new(text, is_whole);
    let kept = reader.keep(containers)?;
    reader.skip_spaces();
    let block = if reader.byte()? == b'\n' { BlockStart::Blank } else { BlockStart::Text };
    let (length, indent) = (reader.at, reader.indent());
    Some(LineStart { kept, new: Vec::new(), block, length, indent })
}

/// A line in fenced code.
#[derive(Debug, PartialEq, Eq)]
pub enum FencedLine {
    /// Its quote has ended, and so has the code.
    Outside,
    /// The fence that ends the code.
    End,
    /// Code, from this byte of the line.
    Code(usize),
}

/// Reads the beginning of a line in fenced code. In a list, models forget to indent
/// code, so that it goes on until its fence does.
pub fn parse_fenced(
    containers: &[Container],
    fence: &Fence,
    text: &str,
    is_whole: bool,
) -> Option<FencedLine> {
    let mut reader = Reader::new(text, is_whole);
    for _ in containers.iter().filter(|container| !container.is_item()) {
        reader.skip_spaces();
        if reader.byte()? != b'>' {
            return Some(FencedLine::Outside);
        }
        reader.quote();
    }
    let start = reader.at;
    reader.skip_spaces();
    if reader.byte()? == fence.mark && reader.column - reader.base < fence.indent + TAB {
        let mut length = 1;
        while reader.peek(length)? == fence.mark {
            length += 1;
        }
        let mut end = length;
        while matches!(reader.peek(end)?, b' ' | b'\t') {
            end += 1;
        }
        if length >= fence.length && reader.peek(end)? == b'\n' {
            return Some(FencedLine::End);
        }
    }
    let spaces = text[start..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some(FencedLine::Code(start + spaces.min(fence.indent)))
}

struct Reader<'a> {
    text: &'a str,
    is_whole: bool,
    at: usize,
    /// Tabs go to multiples of 4.
    column: usize,
    /// Where the text of the innermost quote begins.
    base: usize,
    /// Where the text of the innermost container begins.
    inner: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, is_whole: bool) -> Self {
        Self { text, is_whole, at: 0, column: 0, base: 0, inner: 0 }
    }

    /// The byte at `offset` from here; a newline at the end of the line.
    fn peek(&self, offset: usize) -> Option<u8> {
        let byte = self.text.as_bytes().get(self.at + offset).copied();
        byte.or(self.is_whole.then_some(b'\n'))
    }

    fn byte(&self) -> Option<u8> {
        self.peek(0)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn indent(&self) -> usize {
        self.column.saturating_sub(self.inner)
    }

    fn advance(&mut self, count: usize) {
        for byte in &self.text.as_bytes()[self.at..self.at + count] {
            self.column += if *byte == b'\t' { TAB - self.column % TAB } else { 1 };
        }
        self.at += count;
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_start_matches([' ', '\t']).len());
    }

    /// Reads past the beginnings of containers that go on, and counts them.
    fn keep(&mut self, containers: &[Container]) -> Option<usize> {
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
    fn quote(&mut self) -> Container {
        self.advance(1);
        self.base = self.column;
        if self.text[self.at..].starts_with([' ', '\t']) {
            self.base += 1;
        }
        self.inner = self.base;
        Container::quote()
    }

    /// The length of the marker of a list item, if there is one. In a paragraph, only a
    /// list that begins with 1 and has text is one.
    fn marker(&self, goes_on: bool) -> Option<Option<usize>> {
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
    fn item(&mut self, length: usize) -> Option<Container> {
        let start = self.column - self.base;
        let mut marker = match self.byte()? {
            b'-' | b'+' | b'*' => "•".to_owned(),
            _ => self.rest()[..length].to_owned(),
        };
        let mut ahead = length;
        while matches!(self.peek(ahead)?, b' ' | b'\t') {
            ahead += 1;
        }
        let task = match self.peek(ahead)? {
            b'[' => self.task(ahead)?,
            _ => None,
        };
        if let Some(checked) = task {
            let mark = if checked { "[x]" } else { "[ ]" };
            marker = if marker == "•" { mark.to_owned() } else { format!("{marker} {mark}") };
            self.advance(ahead);
            let text = self.column - self.base;
            self.advance(3);
            self.skip_spaces();
            self.inner = self.column;
            return Some(Container::item(start, text, marker));
        } else {
            self.advance(length);
            let before = self.column;
            self.skip_spaces();
            let is_empty = self.byte()? == b'\n';
            // More space belongs to code that is indented.
            self.inner = if is_empty { before + 1 } else { self.column.min(before + TAB) };
        }
        Some(Container::item(start, self.inner - self.base, marker))
    }

    /// Whether a task's box is at `offset`, and whether it is checked.
    fn task(&self, offset: usize) -> Option<Option<bool>> {
        let (mark, close) = (self.peek(offset + 1)?, self.peek(offset + 2)?);
        if close != b']' || !matches!(mark, b' ' | b'x' | b'X') {
            return Some(None);
        }
        let is_box = matches!(self.peek(offset + 3)?, b' ' | b'\t' | b'\n');
        Some(is_box.then_some(mark != b' '))
    }

    /// Whether this is a line of dashes, or, below a paragraph, of equals signs.
    fn is_rule(&self, goes_on: bool) -> Option<bool> {
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

    /// Reads what is in no other container.
    fn block(&mut self, goes_on: bool) -> Option<BlockStart> {
        Some(match self.byte()? {
            b'#' => return self.heading(),
            mark @ (b'`' | b'~') => return self.fence(mark),
            b'|' => BlockStart::Row,
            b'<' => match html::start(self.rest(), self.is_whole, goes_on)? {
                Some(end) => BlockStart::Html(end),
                None => BlockStart::Text,
            },
            b'$' if self.peek(1)? == b'$' => {
                // The other sign is no end of it.
                self.advance(1);
                BlockStart::Formula("$$")
            }
            b'\\' if self.begins_with("\\[")? => BlockStart::Formula("\\]"),
            b'\\' if self.begins_with("\\begin{")? => BlockStart::Formula("\\end{"),
            b'[' if self.is_definition()? => match self.peek(1)? {
                b'^' => BlockStart::Footnote,
                _ if goes_on => BlockStart::Text,
                _ => BlockStart::Definition,
            },
            _ => BlockStart::Text,
        })
    }

    fn begins_with(&self, text: &str) -> Option<bool> {
        for (offset, byte) in text.bytes().enumerate() {
            if self.peek(offset)? != byte {
                return Some(false);
            }
        }
        Some(true)
    }

    fn heading(&mut self) -> Option<BlockStart> {
        let mut level = 1;
        while self.peek(level)? == b'#' {
            level += 1;
        }
        if level > 6 || !matches!(self.peek(level)?, b' ' | b'\t' | b'\n') {
            return Some(BlockStart::Text);
        }
        self.advance(level);
        self.skip_spaces();
        Some(BlockStart::Heading(level))
    }

    fn fence(&mut self, mark: u8) -> Option<BlockStart> {
        let mut length = 1;
        while self.peek(length)? == mark {
            length += 1;
        }
        if length < 3 {
            return Some(BlockStart::Text);
        }
        if self.rest()[length..].contains('`') && mark == b'`' {
            return Some(BlockStart::Text);
        }
        if !self.is_whole {
            return None;
        }
        let info = self.rest()[length..].trim().to_owned();
        let indent = self.column - self.base;
        self.advance(self.rest().len());
        Some(BlockStart::Fence(Fence { mark, length, indent, info }))
    }

    /// Whether this is `[label]:`.
    fn is_definition(&self) -> Option<bool> {
        let mut at = 1;
        loop {
            match self.peek(at)? {
                b']' => return Some(at > 1 && self.peek(at + 1)? == b':'),
                b'[' | b'\n' => return Some(false),
                _ if at > MAX_LABEL => return Some(false),
                _ => at += 1,
            }
        }
    }
}
