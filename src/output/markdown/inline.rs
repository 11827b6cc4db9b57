//! Markdown within a paragraph, as it arrives (CommonMark 0.31, section 6). A parser
//! for whole texts cannot say what is held back for which reason, so this one decides
//! at each sign. It differs from CommonMark where models' texts need it: `2*3*4` is a
//! product, `*.py` a pattern and `__init__` a name; `**重点。**次` and `**Note:**text`
//! are bold; formulas stay as they are.

use crate::output::markdown::held::{Held, Run, Sink};
use crate::output::markdown::links;
use crate::output::markdown::spans::{self, Angle, Found, MAX_RUN, run};
use crate::output::markdown::style::Style;
use crate::output::markdown::width;

#[derive(Debug, Default)]
pub struct Inline {
    /// Of all text.
    base: Style,
    /// Whether code keeps its backticks, because it has no colour.
    keeps_backticks: bool,
    /// What is not read yet, from `at`.
    source: String,
    at: usize,
    /// Where the search for the end of a span goes on.
    searched: usize,
    /// The character before `at`.
    last: Option<char>,
    /// Bytes read so far.
    position: usize,
    /// What is held back since the oldest open span began.
    held: Held,
}

impl Inline {
    pub fn new(base: Style, keeps_backticks: bool) -> Self {
        Self { base, keeps_backticks, ..Self::default() }
    }

    pub fn push(&mut self, text: &str, sink: &mut Sink) {
        self.source += text;
        self.read(false, sink);
    }

    /// Ends the paragraph: what is still open is text.
    pub fn finish(&mut self, sink: &mut Sink) {
        self.read(true, sink);
        self.held.give_up();
        self.held.pass_on(self.base, sink);
        *self = Self::new(self.base, self.keeps_backticks);
    }

    fn read(&mut self, is_end: bool, sink: &mut Sink) {
        let source = std::mem::take(&mut self.source);
        while self.at < source.len() && self.read_piece(&source[self.at..], is_end, sink) {
            self.searched = 0;
            self.held.expire(self.position, self.base, sink);
        }
        self.source = source;
        self.source.drain(..std::mem::take(&mut self.at));
    }

    /// Reads what `text` begins with. Returns false if more of it must come first.
    fn read_piece(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        let first = text.as_bytes()[0];
        match first {
            b'`' => self.read_code(text, is_end, sink),
            b'*' | b'_' | b'~' => self.read_marks(text, is_end, sink),
            b'[' => self.open_bracket("["),
            b'!' => match text.as_bytes().get(1) {
                Some(b'[') => self.open_bracket("!["),
                None if !is_end => false,
                _ => self.literal(text, 1, sink),
            },
            b']' => self.close_bracket(text, is_end, sink),
            b'<' => self.read_angle(text, is_end, sink),
            b'&' => match spans::entity(text, is_end) {
                Found::Piece(length, decoded) => {
                    self.add(&text[..length], &decoded, Style::NONE, sink)
                }
                found => self.literal_unless(found, text, 1, sink),
            },
            b'$' => match spans::formula(text, is_end) {
                Found::Piece(length, ()) => self.literal(text, length, sink),
                found => self.literal_unless(found, text, run(text, '$'), sink),
            },
            b'\\' => self.read_backslash(text, is_end, sink),
            b'h' | b'w' if !self.last.is_some_and(char::is_alphanumeric) => {
                match spans::bare_address(text, is_end) {
                    Found::Piece(length, ()) => {
                        self.add(&text[..length], &text[..length], Style::UNDERLINE, sink)
                    }
                    found => self.literal_unless(found, text, 1, sink),
                }
            }
            _ => self.literal(text, plain_length(text), sink),
        }
    }

    fn read_code(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        let found = spans::code(text, self.searched, is_end);
        if let Found::Piece(length, code) = found {
            let ticks = &text[..run(text, '`')];
            let code = match self.keeps_backticks {
                true => format!("{ticks}{code}{ticks}"),
                false => code,
            };
            return self.add(&text[..length], &code, Style::CYAN, sink);
        }
        self.literal_unless(found, text, run(text, '`'), sink)
    }

    /// Reads a line break, an address or a tag in angle brackets.
    fn read_angle(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        match spans::angle(text, is_end) {
            Found::Piece(length, Angle::LineBreak) => {
                // Together with the end of the line it is one break.
                let end = length + run(&text[length..], ' ');
                let is_long = end - length == MAX_RUN;
                if end == text.len() && !is_long && !is_end {
                    return false;
                }
                let is_one = !is_long && text[end..].starts_with('\n');
                self.add(&text[..end + usize::from(is_one)], "\n", Style::NONE, sink)
            }
            Found::Piece(length, Angle::Address) => {
                let address = &text[..length];
                self.add(address, &address[1..length - 1], Style::UNDERLINE, sink)
            }
            Found::Piece(length, Angle::Tag) => self.literal(text, length, sink),
            found => self.literal_unless(found, text, 1, sink),
        }
    }

    /// Reads the first `length` bytes of `text` as they are.
    fn literal(&mut self, text: &str, length: usize, sink: &mut Sink) -> bool {
        self.add(&text[..length], &text[..length], Style::NONE, sink)
    }

    fn literal_unless<T>(
        &mut self,
        found: Found<T>,
        text: &str,
        length: usize,
        sink: &mut Sink,
    ) -> bool {
        match found {
            Found::More(searched) => {
                self.searched = searched;
                false
            }
            _ => self.literal(text, length, sink),
        }
    }

    /// Moves past `source`, for which `text` is shown.
    fn add(&mut self, source: &str, text: &str, style: Style, sink: &mut Sink) -> bool {
        self.advance(source);
        match self.held.is_open() {
            true => self.held.add(text, style),
            false => sink(self.held.style(self.base) | style, text),
        }
        true
    }

    fn advance(&mut self, source: &str) {
        self.at += source.len();
        self.position += source.len();
        self.last = source.chars().next_back();
    }

    fn read_backslash(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        match text[1..].chars().next() {
            None if !is_end => false,
            Some('(' | '[') => match spans::formula(text, is_end) {
                Found::Piece(length, ()) => self.literal(text, length, sink),
                found => self.literal_unless(found, text, 2, sink),
            },
            // A hard line break.
            Some('\n') => self.add(&text[..2], "\n", Style::NONE, sink),
            Some(c) if c.is_ascii_punctuation() => {
                self.add(&text[..2], &text[1..2], Style::NONE, sink)
            }
            _ => self.literal(text, 1, sink),
        }
    }

    /// Reads a run of `*`, `_` or `~`.
    fn read_marks(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        let mark = char::from(text.as_bytes()[0]);
        let length = run(text, mark);
        if length == MAX_RUN {
            return self.literal(text, length, sink);
        }
        let next = text[length..].chars().next();
        if next.is_none() && !is_end {
            return false;
        }
        let (may_open, may_close) = match mark == '~' && length != 2 {
            true => (false, false),
            false => flanks((mark, length), self.last, next),
        };
        let run = Run { mark, length, may_open, may_close };
        self.advance(&text[..length]);
        self.held.add_run(&run, self.position);
        self.held.pass_on(self.base, sink);
        true
    }

    fn open_bracket(&mut self, bracket: &str) -> bool {
        self.held.open_bracket(bracket, self.position);
        self.advance(bracket);
        true
    }

    /// Reads a `]`, with the address of a link if it follows.
    fn close_bracket(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        if !self.held.has_bracket() {
            return self.literal(text, 1, sink);
        }
        let found = match text.as_bytes().get(1) {
            Some(b'(') => links::link_end(&text[1..], is_end),
            None if !is_end => Found::More(0),
            _ => Found::Nothing,
        };
        match found {
            Found::More(_) => return false,
            Found::Piece(length, address) => {
                self.advance(&text[..=length]);
                self.held.end_link(&links::unescaped(&address));
            }
            Found::Nothing => {
                self.advance("]");
                self.held.give_up_bracket();
            }
        }
        self.held.pass_on(self.base, sink);
        true
    }
}

/// Whether a run of signs between two characters may open a span, and whether it may
/// close one (CommonMark 0.31, section 6.2).
fn flanks((mark, length): (char, usize), last: Option<char>, next: Option<char>) -> (bool, bool) {
    let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let is_punctuation =
        |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric() && !c.is_whitespace());
    // Chinese and Japanese have no spaces around a word that is stressed.
    let is_wide = |c: Option<char>| {
        c.is_some_and(|c| !c.is_ascii() && c.is_alphanumeric() && width::of(c) == 2)
    };
    // Models write **Note:**text too.
    let is_strong = mark == '*' && length >= 2;
    let is_edge = |c| is_strong || is_space(c) || is_punctuation(c) || is_wide(c);
    let left = !is_space(next) && (!is_punctuation(next) || is_edge(last));
    let right = !is_space(last) && (!is_punctuation(last) || is_edge(next));
    let is_ascii = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    match mark {
        '_' => (left && (!right || is_punctuation(last)), right && (!left || is_punctuation(next))),
        '*' => {
            let is_product = is_ascii(last) && is_ascii(next);
            let is_pattern = matches!(next, Some('.' | '/'));
            (left && !is_product && !is_pattern, right)
        }
        _ => (left, right),
    }
}

/// How much of `text` has no sign that means something, after its first character.
fn plain_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_special = |at: usize| match bytes[at] {
        b'`' | b'*' | b'_' | b'~' | b'[' | b']' | b'!' | b'<' | b'&' | b'$' | b'\\' => true,
        b'h' | b'w' => !bytes[at - 1].is_ascii_alphanumeric(),
        _ => false,
    };
    (1..bytes.len()).find(|at| is_special(*at)).unwrap_or(bytes.len())
}
