//! Words put onto lines of the terminal's width. A word is written once it is whole.

use crate::output::markdown::style::{Look, Style};
use crate::output::markdown::width::{WidthCounter, width};
use crate::output::sanitize::{is_harmful, visible};

/// A word with more bytes is written in parts. Accents alone have no width.
const MAX_WORD: usize = 4096;

/// What stands before the text of a line: bars of quotes, markers and indentation.
#[derive(Debug, Clone, Default)]
pub struct Margin {
    /// Before the first line.
    pub first: Vec<u8>,
    /// Before the lines that follow.
    pub rest: Vec<u8>,
    /// Columns of either.
    pub width: usize,
}

#[derive(Debug)]
pub struct Wrapper {
    pub look: Look,
    pub width: usize,
    margin: Margin,
    /// Columns that are written on this line; 0 before its margin is.
    column: usize,
    /// The word that is held back, and where each style in it ends.
    word: String,
    styles: Vec<(usize, Style)>,
    word_width: usize,
    /// Where the last character of the word begins, with its accents.
    last_at: usize,
    counter: WidthCounter,
    /// The style of the space before the word, if there is one.
    space: Option<Style>,
    /// Whether nothing is written since the margin was set.
    is_new: bool,
}

impl Wrapper {
    pub fn new(look: Look, width: usize) -> Self {
        Self {
            look,
            width,
            margin: Margin::default(),
            column: 0,
            word: String::new(),
            styles: Vec::new(),
            word_width: 0,
            last_at: 0,
            counter: WidthCounter::default(),
            space: None,
            is_new: true,
        }
    }

    /// Sets the margin of the lines to come. The line at hand must be finished.
    pub fn set_margin(&mut self, margin: Margin) {
        self.margin = margin;
        self.is_new = true;
    }

    /// Adds text. Newlines in it are kept, and other control characters are made
    /// visible.
    pub fn text(&mut self, style: Style, text: &str, out: &mut Vec<u8>) {
        for c in text.chars() {
            match c {
                ' ' | '\t' => {
                    self.end_word(out);
                    self.space = (self.column > 0).then_some(style);
                }
                // A break before any text separates nothing.
                '\n' if self.is_new && self.word.is_empty() => {}
                '\n' => self.newline(out),
                c if is_harmful(c) => visible(c).chars().for_each(|c| self.push(style, c, out)),
                c => self.push(style, c, out),
            }
        }
    }

    /// Writes `count` spaces at the start of a line.
    pub fn indent(&mut self, count: usize, out: &mut Vec<u8>) {
        self.begin_line(out);
        let count = count.min(self.capacity() / 2);
        out.extend(std::iter::repeat_n(b' ', count));
        self.column += count;
    }

    /// Ends the line, also one without text.
    pub fn newline(&mut self, out: &mut Vec<u8>) {
        self.end_word(out);
        if self.column == 0 {
            self.begin_line(out);
            trim_spaces(out);
        }
        self.break_line(out);
    }

    /// Ends the line, if there is anything on it.
    pub fn finish_line(&mut self, out: &mut Vec<u8>) {
        self.end_word(out);
        if self.column > 0 {
            self.break_line(out);
        }
        self.space = None;
    }

    /// Writes a line that is laid out already.
    pub fn write_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.finish_line(out);
        self.begin_line(out);
        out.extend_from_slice(line);
        self.break_line(out);
    }

    /// Columns that a line has for text; at least 1.
    pub fn capacity(&self) -> usize {
        self.width.saturating_sub(self.margin.width).max(1)
    }

    fn push(&mut self, style: Style, c: char, out: &mut Vec<u8>) {
        let before = self.counter;
        let width = self.counter.add(c);
        if !self.word.is_empty() && before.may_break_before(c, width) {
            self.end_word(out);
            self.counter.add(c);
        }
        if width > 0 {
            self.last_at = self.word.len();
        }
        self.word.push(c);
        self.word_width += width;
        match self.styles.last_mut() {
            Some((end, last)) if *last == style => *end = self.word.len(),
            _ => self.styles.push((self.word.len(), style)),
        }
        if self.word_width > self.capacity() && self.last_at > 0 {
            self.break_word(out);
        } else if self.word.len() >= MAX_WORD {
            self.end_word(out);
        }
    }

    /// Writes as much of the word as a line can hold. The rest begins the next line.
    fn break_word(&mut self, out: &mut Vec<u8>) {
        let rest = self.word.split_off(self.last_at);
        let style = self.styles.last().map_or(Style::NONE, |(_, style)| *style);
        let mut start = 0;
        self.styles.retain_mut(|(end, _)| {
            *end = self.last_at.min(*end);
            let has_text = *end > start;
            start = *end;
            has_text
        });
        self.word_width -= width(&rest);
        self.end_word(out);
        self.break_line(out);
        rest.chars().for_each(|c| self.push(style, c, out));
    }

    fn end_word(&mut self, out: &mut Vec<u8>) {
        self.counter = WidthCounter::default();
        if self.word.is_empty() {
            return;
        }
        let mut space = self.space.take();
        let needed = self.word_width + usize::from(space.is_some());
        if self.column > self.margin.width && self.column + needed > self.width {
            self.break_line(out);
            space = None;
        }
        self.begin_line(out);
        let mut at = 0;
        for &(end, style) in &self.styles {
            let text = &self.word[at..end];
            match space.take() {
                // One sequence for both, and an underline without gaps.
                Some(of_space) if of_space == style && style != Style::NONE => {
                    self.look.paint(out, style, &format!(" {text}"));
                    self.column += 1;
                }
                Some(_) => {
                    out.push(b' ');
                    self.look.paint(out, style, text);
                    self.column += 1;
                }
                None => self.look.paint(out, style, text),
            }
            at = end;
        }
        self.column += self.word_width;
        self.word.clear();
        self.styles.clear();
        (self.word_width, self.last_at) = (0, 0);
    }

    /// Writes the margin, unless it is there.
    fn begin_line(&mut self, out: &mut Vec<u8>) {
        self.is_new = false;
        if self.column == 0 {
            out.append(&mut self.margin.first);
            self.margin.first.clone_from(&self.margin.rest);
            self.column = self.margin.width;
        }
    }

    fn break_line(&mut self, out: &mut Vec<u8>) {
        out.push(b'\n');
        (self.column, self.space) = (0, None);
    }
}

/// Takes spaces off the end of `out`.
pub fn trim_spaces(out: &mut Vec<u8>) {
    while out.last() == Some(&b' ') {
        out.pop();
    }
}
