//! What a line begins with (CommonMark 0.31, sections 3 to 5): the quotes and lists
//! that it goes on with or begins, and the kind of block. It is read again with each
//! character until that is decided.

use crate::output::markdown::container::{Container, MAX_DEPTH};
use crate::output::markdown::html::{self, HtmlEnd};
use crate::output::markdown::line_reader::{LineReader, TAB};

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

/// Longer definitions are text, so that a bracket does not hold back a line for long.
const MAX_LABEL: usize = 200;

/// Reads the beginning of a line, of which `text` is here; `is_whole` says that all of
/// it is. Returns `None` if more of it decides.
pub fn parse(context: &Context, text: &str, is_whole: bool) -> Option<LineStart> {
    let mut reader = LineReader::new(text, is_whole);
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
    let mut reader = LineReader::new(text, is_whole);
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
    let mut reader = LineReader::new(text, is_whole);
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

impl LineReader<'_> {
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
            // Before a letter or a digit it may be a bracket, as in `\[1\] A. Author`.
            b'\\' if self.begins_with("\\[")? && !self.peek(2)?.is_ascii_alphanumeric() => {
                BlockStart::Formula("\\]")
            }
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
