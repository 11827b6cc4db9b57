//! Markdown within a paragraph, as it arrives (CommonMark 0.31, section 6). A parser
//! for whole texts cannot say what is held back for which reason, so this one decides
//! at each sign. It differs from CommonMark where models' texts need it: `2*3*4` is a
//! product, `**重点。**次` is bold, and formulas stay as they are.

use crate::output::markdown::spans::{self, Angle, Found, MAX_RUN, MAX_SPAN, run};
use crate::output::markdown::style::Style;
use crate::output::markdown::width;

/// Takes the text, in pieces of one style.
pub type Sink<'a> = dyn FnMut(Style, &str) + 'a;

/// Attributes that open and close.
const MARKS: [Style; 4] = [Style::ITALIC, Style::BOLD, Style::STRIKE, Style::UNDERLINE];
const ITALIC: usize = 0;
const BOLD: usize = 1;
const STRIKE: usize = 2;
const LINK: usize = 3;

/// If more spans are open, the oldest is none, so that none is searched for long.
const MAX_OPEN: usize = 16;

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
    nodes: Vec<Node>,
    open: Vec<Opener>,
    /// How often each of [`MARKS`] is open in what was passed on.
    depths: [u16; 4],
}

/// A piece of text, and what closes before it and opens behind it.
#[derive(Debug, Default)]
struct Node {
    closes: [u16; 4],
    text: String,
    style: Style,
    opens: [u16; 4],
}

/// A sign that may begin a span.
#[derive(Debug)]
struct Opener {
    node: usize,
    mark: char,
    /// How long the run of signs was, and whether it could have closed a span too.
    length: usize,
    may_close: bool,
    position: usize,
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
        self.open.clear();
        self.pass_on(sink);
        *self = Self::new(self.base, self.keeps_backticks);
    }

    fn read(&mut self, is_end: bool, sink: &mut Sink) {
        let source = std::mem::take(&mut self.source);
        while self.at < source.len() && self.read_piece(&source[self.at..], is_end, sink) {
            self.searched = 0;
            self.expire(sink);
        }
        self.source = source;
        self.source.drain(..std::mem::take(&mut self.at));
    }

    /// Reads what `text` begins with. Returns false if more of it must come first.
    fn read_piece(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        let first = text.as_bytes()[0];
        match first {
            b'`' => {
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
            b'*' | b'_' | b'~' => self.read_marks(text, is_end, sink),
            b'[' => self.open_bracket("[", sink),
            b'!' => match text.as_bytes().get(1) {
                Some(b'[') => self.open_bracket("![", sink),
                None if !is_end => false,
                _ => self.literal(text, 1, sink),
            },
            b']' => self.close_bracket(text, is_end, sink),
            b'<' => match spans::angle(text, is_end) {
                Found::Piece(length, Angle::LineBreak) => {
                    // Together with the end of the line it is one break.
                    let rest = text[length..].trim_start_matches(' ');
                    if rest.is_empty() && !is_end {
                        return false;
                    }
                    let end = text.len() - rest.strip_prefix('\n').unwrap_or(rest).len();
                    self.add(&text[..end], "\n", Style::NONE, sink)
                }
                Found::Piece(length, Angle::Address) => {
                    let address = &text[..length];
                    self.add(address, &address[1..length - 1], Style::UNDERLINE, sink)
                }
                Found::Piece(length, Angle::Tag) => self.literal(text, length, sink),
                found => self.literal_unless(found, text, 1, sink),
            },
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
        if self.open.is_empty() {
            sink(self.style() | style, text);
        } else {
            self.nodes.push(Node { text: text.to_owned(), style, ..Node::default() });
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
        let (may_open, may_close) = flanks(mark, self.last, next);
        let is_mark = mark != '~' || length == 2;
        let mut node = Node::default();
        let mut left = length;
        while may_close && is_mark && left > 0 {
            let Some(used) = self.close_span(mark, (length, left), may_open) else { break };
            left -= used;
            node.closes[mark_of(mark, used)] += 1;
        }
        node.text = text[..left].to_owned();
        self.advance(&text[..length]);
        let opens = may_open && is_mark && left > 0;
        if opens {
            let node = self.nodes.len();
            let position = self.position;
            self.open.push(Opener { node, mark, length: left, may_close, position });
        }
        self.nodes.push(node);
        self.pass_on(sink);
        true
    }

    /// Closes the newest span of `mark` that `lengths`, how long the run was and what is
    /// left of it, can close. Returns how many signs that took.
    fn close_span(
        &mut self,
        mark: char,
        (length, left): (usize, usize),
        may_open: bool,
    ) -> Option<usize> {
        let fits = |opener: &Opener| {
            // Rules 9 and 10 of CommonMark's 6.2.
            let is_odd = (opener.may_close || may_open)
                && (opener.length + length).is_multiple_of(3)
                && !length.is_multiple_of(3);
            opener.mark == mark && (mark == '~' || !is_odd)
        };
        let index = self.open.iter().rposition(fits)?;
        // What is open within it is text.
        self.open.truncate(index + 1);
        let node = &mut self.nodes[self.open[index].node];
        let used = if node.text.len() >= 2 && left >= 2 { 2 } else { 1 };
        node.text.truncate(node.text.len() - used);
        node.opens[mark_of(mark, used)] += 1;
        if node.text.is_empty() {
            self.open.pop();
        }
        Some(used)
    }

    fn open_bracket(&mut self, bracket: &'static str, sink: &mut Sink) -> bool {
        let position = self.position;
        let node = self.nodes.len();
        self.open.push(Opener { node, mark: '[', length: 0, may_close: false, position });
        self.add(bracket, bracket, Style::NONE, sink)
    }

    /// Reads a `]`, with the address of a link if it follows.
    fn close_bracket(&mut self, text: &str, is_end: bool, sink: &mut Sink) -> bool {
        let Some(index) = self.open.iter().rposition(|opener| opener.mark == '[') else {
            return self.literal(text, 1, sink);
        };
        let found = match text.as_bytes().get(1) {
            Some(b'(') => spans::link_end(&text[1..], is_end),
            None if !is_end => Found::More(0),
            _ => Found::Nothing,
        };
        match found {
            Found::More(_) => return false,
            Found::Piece(length, address) => {
                let start = self.open[index].node;
                self.open.truncate(index);
                self.advance(&text[..=length]);
                self.end_link(start, &spans::unescaped(&address));
            }
            Found::Nothing => {
                self.open.remove(index);
                self.advance("]");
                self.nodes.push(Node { text: "]".to_owned(), ..Node::default() });
            }
        }
        self.pass_on(sink);
        true
    }

    /// Makes a link of what follows the bracket in the node `start`.
    fn end_link(&mut self, start: usize, address: &str) {
        let label: String = self.nodes[start + 1..].iter().map(|node| &*node.text).collect();
        self.nodes[start].text.clear();
        self.nodes[start].opens[LINK] += 1;
        let mut end = Node::default();
        end.closes[LINK] += 1;
        let is_shown = [address, address.strip_prefix("mailto:").unwrap_or(address)];
        if label.trim().is_empty() {
            let text = address.to_owned();
            self.nodes.push(Node { text, ..Node::default() });
        } else if !is_shown.contains(&label.as_str()) && !address.is_empty() {
            (end.text, end.style) = (format!(" ({address})"), Style::DIM);
        }
        self.nodes.push(end);
    }

    /// Gives up spans that are too long.
    fn expire(&mut self, sink: &mut Sink) {
        let is_old = |opener: &Opener| self.position - opener.position > MAX_SPAN;
        let old = self.open.iter().take_while(|opener| is_old(opener)).count();
        let old = old.max(self.open.len().saturating_sub(MAX_OPEN));
        if old > 0 {
            self.open.drain(..old);
            self.pass_on(sink);
        }
    }

    /// Passes on what stands before the oldest open span.
    fn pass_on(&mut self, sink: &mut Sink) {
        let end = self.open.first().map_or(self.nodes.len(), |opener| opener.node);
        let nodes: Vec<Node> = self.nodes.drain(..end).collect();
        for node in nodes {
            self.depths.iter_mut().zip(node.closes).for_each(|(depth, by)| *depth -= by);
            if !node.text.is_empty() {
                sink(self.style() | node.style, &node.text);
            }
            self.depths.iter_mut().zip(node.opens).for_each(|(depth, by)| *depth += by);
        }
        self.open.iter_mut().for_each(|opener| opener.node -= end);
    }

    /// The style of the text that is passed on now.
    fn style(&self) -> Style {
        let open = MARKS.iter().zip(self.depths).filter(|(_, depth)| *depth > 0);
        open.fold(self.base, |style, (mark, _)| style | *mark)
    }
}

/// The attribute that `used` signs of a kind stand for.
fn mark_of(mark: char, used: usize) -> usize {
    match (mark, used) {
        ('~', _) => STRIKE,
        (_, 2) => BOLD,
        _ => ITALIC,
    }
}

/// Whether a run of signs between two characters may open a span, and whether it may
/// close one (CommonMark 0.31, section 6.2).
fn flanks(mark: char, last: Option<char>, next: Option<char>) -> (bool, bool) {
    let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let is_punctuation =
        |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric() && !c.is_whitespace());
    // Chinese and Japanese have no spaces around a word that is stressed.
    let is_wide = |c: Option<char>| {
        c.is_some_and(|c| !c.is_ascii() && c.is_alphanumeric() && width::of(c) == 2)
    };
    let is_edge = |c| is_space(c) || is_punctuation(c) || is_wide(c);
    let left = !is_space(next) && (!is_punctuation(next) || is_edge(last));
    let right = !is_space(last) && (!is_punctuation(last) || is_edge(next));
    let is_ascii = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    match mark {
        '_' => (left && (!right || is_punctuation(last)), right && (!left || is_punctuation(next))),
        '*' => (left && !(is_ascii(last) && is_ascii(next)), right),
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
