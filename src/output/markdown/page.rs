//! The blocks of a document, one after the other, and the lines they become.

use crate::output::markdown::block::{Block, LastLine, Rest, verbatim};
use crate::output::markdown::code::CodeWriter;
use crate::output::markdown::container::Container;
use crate::output::markdown::html::HtmlEnd;
use crate::output::markdown::inline::Inline;
use crate::output::markdown::line_start::{
    BlockStart, Context, Fence, FencedLine, LineStart, parse, parse_fenced, parse_verbatim,
};
use crate::output::markdown::style::{Look, Style};
use crate::output::markdown::wrap::Wrapper;
use crate::output::sanitize::push_sanitized;

#[derive(Debug)]
pub struct Page {
    pub(super) look: Look,
    pub(super) line: Wrapper,
    pub(super) inline: Inline,
    pub(super) containers: Vec<Container>,
    pub(super) block: Block,
    /// A line that may be the header of a table; it may belong to the paragraph.
    pub(super) header: Option<String>,
    /// If a blank line is to come before the next block, in how many containers.
    pub(super) blank: Option<usize>,
    pub(super) is_empty: bool,
    pub(super) last_line: LastLine,
}

impl Page {
    pub fn new(look: Look, width: usize) -> Self {
        Self {
            look,
            line: Wrapper::new(look, width),
            inline: Inline::default(),
            containers: Vec::new(),
            block: Block::None,
            header: None,
            blank: None,
            is_empty: true,
            last_line: LastLine::default(),
        }
    }

    pub fn set_width(&mut self, width: usize) {
        self.line.width = width;
    }

    fn in_paragraph(&self) -> bool {
        matches!(self.block, Block::Paragraph) || self.header.is_some()
    }

    /// Begins a line, of which `text` is here. Returns where the rest of it goes, and how
    /// much of `text` has been read; `None` if more of the line decides.
    pub fn begin_line(
        &mut self,
        text: &str,
        is_whole: bool,
        out: &mut Vec<u8>,
    ) -> Option<(Rest, usize)> {
        if let Block::Fenced(fence, _) = &self.block {
            match parse_fenced(&self.containers, fence, text, is_whole)? {
                FencedLine::Outside => self.close_block(out),
                FencedLine::End => {
                    self.close_block(out);
                    return Some((Rest::Nowhere, text.len()));
                }
                FencedLine::Code(length) => return Some((Rest::Block, length)),
            }
        }
        if let Block::Verbatim { spans_blanks, .. } = self.block {
            let start = parse_verbatim(&self.containers, text, is_whole)?;
            let is_blank = start.block == BlockStart::Blank;
            if start.kept == self.containers.len() && (!is_blank || spans_blanks) {
                if !is_blank {
                    self.line.indent(start.indent, out);
                }
                return Some((Rest::Block, start.length));
            }
        }
        let in_paragraph = self.in_paragraph();
        let context = Context { containers: &self.containers, in_paragraph };
        let start = parse(&context, text, is_whole)?;
        let length = start.length;
        Some((self.begin(start, &text[length..], out), length))
    }

    /// Begins a line of text, whatever it begins with. Returns where it goes, and that
    /// none of it has been read.
    pub fn begin_text(&mut self, out: &mut Vec<u8>) -> (Rest, usize) {
        let goes_on = !matches!(self.block, Block::None | Block::Table(_) | Block::LongTable);
        if !goes_on || self.header.is_some() {
            let kept = self.containers.len();
            let new = Vec::new();
            let block = BlockStart::Text;
            self.begin(LineStart { kept, new, block, length: 0, indent: 0 }, "", out);
        } else if matches!(self.block, Block::Paragraph) {
            self.go_on("", out);
        }
        (Rest::Block, 0)
    }

    /// Begins the line of `start`, whose text begins with `text`.
    fn begin(&mut self, mut start: LineStart, text: &str, out: &mut Vec<u8>) -> Rest {
        let is_text = start.block == BlockStart::Text && start.new.is_empty();
        if is_text && self.in_paragraph() && self.last_line.was_full_before(text) {
            // It goes on though it is not indented, or has no `>`.
            start.kept = self.containers.len();
        }
        let is_kept = start.kept == self.containers.len() && start.new.is_empty();
        if start.block == BlockStart::Row {
            let goes_on = is_kept && (self.in_paragraph() || self.in_table());
            if !goes_on {
                self.release_header(out);
                self.change_containers(start, out);
            }
            return Rest::Row(String::new());
        }
        self.release_header(out);
        match (&start.block, &mut self.block) {
            (BlockStart::Text, Block::Paragraph) if is_kept => {
                self.go_on(text, out);
                return Rest::Block;
            }
            (BlockStart::IndentedCode, Block::Indented(_, blanks)) if is_kept => {
                out.extend(std::iter::repeat_n(b'\n', std::mem::take(blanks)));
                self.indent_code(start.indent, out);
                return Rest::Block;
            }
            (BlockStart::Blank, Block::Indented(_, blanks)) if is_kept => {
                *blanks += 1;
                return Rest::Nowhere;
            }
            (BlockStart::Blank, _) => {
                let is_blank = start.new.is_empty();
                self.change_containers(start, out);
                if is_blank {
                    self.blank.get_or_insert(self.containers.len());
                }
                return Rest::Nowhere;
            }
            _ => {}
        }
        let LineStart { block, indent, .. } = self.change_containers(start, out);
        self.begin_block(block, indent, out)
    }

    /// Closes the block and the containers that have ended, and opens new ones.
    fn change_containers(&mut self, mut start: LineStart, out: &mut Vec<u8>) -> LineStart {
        self.close_block(out);
        self.drop_containers(start.kept, out);
        self.containers.append(&mut start.new);
        start
    }

    pub(super) fn drop_containers(&mut self, kept: usize, out: &mut Vec<u8>) {
        if self.containers[kept..].iter().any(Container::has_marker) {
            self.write_markers(out);
        }
        self.containers.truncate(kept);
        self.blank = self.blank.map(|depth| depth.min(kept));
    }

    /// Writes markers of items on a line of their own.
    fn write_markers(&mut self, out: &mut Vec<u8>) {
        self.begin_lines(out);
        self.line.newline(out);
    }

    fn begin_block(&mut self, block: BlockStart, indent: usize, out: &mut Vec<u8>) -> Rest {
        match block {
            BlockStart::Fence(fence) => {
                self.begin_fence(fence, out);
                return Rest::Nowhere;
            }
            BlockStart::IndentedCode => {
                self.begin_code(out);
                self.block = Block::Indented(CodeWriter::new(self.look, ""), 0);
                self.indent_code(indent, out);
                return Rest::Block;
            }
            _ => self.begin_lines(out),
        }
        self.block = match block {
            BlockStart::Rule => {
                let rule = "─".repeat(self.line.capacity());
                self.line.text(Style::DIM, &rule, out);
                self.line.finish_line(out);
                return Rest::Nowhere;
            }
            BlockStart::Heading(level) => {
                self.begin_heading(level, out);
                // A space before it lets hash signs alone be its end.
                Block::Heading(" ".to_owned())
            }
            BlockStart::Html(HtmlEnd::BlankLine) | BlockStart::Definition => {
                let is_definition = block == BlockStart::Definition;
                verbatim(is_definition.then_some(""), false)
            }
            BlockStart::Html(HtmlEnd::Text(end)) => verbatim(Some(end), true),
            BlockStart::Formula(end) => {
                if end == "$$" {
                    self.line.text(Style::NONE, "$", out);
                }
                verbatim(Some(end), false)
            }
            _ => {
                self.begin_inline(Style::NONE);
                Block::Paragraph
            }
        };
        Rest::Block
    }

    fn begin_fence(&mut self, fence: Fence, out: &mut Vec<u8>) {
        if fence.info.is_empty() && self.blank.is_none() {
            self.blank = Some(self.containers.len());
        }
        self.begin_code(out);
        if !fence.info.is_empty() {
            let mut info = Vec::new();
            push_sanitized(&mut info, &fence.info);
            self.look.paint(out, Style::DIM, &String::from_utf8_lossy(&info));
            out.push(b'\n');
        }
        let writer = CodeWriter::new(self.look, &fence.info);
        self.block = Block::Fenced(fence, writer);
    }

    fn begin_heading(&mut self, level: usize, out: &mut Vec<u8>) {
        let style = match level {
            1 => Style::BOLD | Style::UNDERLINE | Style::CYAN,
            2 => Style::BOLD | Style::CYAN,
            _ => Style::BOLD,
        };
        self.begin_inline(style);
        if self.look == Look::Plain {
            self.line.text(style, &("#".repeat(level) + " "), out);
        }
    }

    pub(super) fn begin_paragraph(&mut self, out: &mut Vec<u8>) {
        self.begin_lines(out);
        self.begin_inline(Style::NONE);
        self.block = Block::Paragraph;
    }

    fn begin_inline(&mut self, style: Style) {
        self.inline = Inline::new(style, self.look != Look::Colours);
        self.last_line = LastLine::default();
    }
}
