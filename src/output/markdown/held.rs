//! What is held back of a paragraph because a span is open in it, and how the signs of
//! emphasis and the brackets of links find their partners (CommonMark 0.31, section
//! 6.2 to 6.4).

use crate::output::markdown::spans::MAX_SPAN;
use crate::output::markdown::style::Style;

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
pub struct Held {
    nodes: Vec<Node>,
    open: Vec<Opener>,
    /// How often each of [`MARKS`] is open in what was passed on.
    depths: [u16; 4],
}

/// A run of one sign, and what its neighbours let it do.
#[derive(Debug)]
pub struct Run {
    pub mark: char,
    pub length: usize,
    pub may_open: bool,
    pub may_close: bool,
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

impl Held {
    /// Whether a span is open.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    pub fn add(&mut self, text: &str, style: Style) {
        self.nodes.push(Node { text: text.to_owned(), style, ..Node::default() });
    }

    /// Adds a run of signs, which may close spans, and open one with what is left of it.
    pub fn add_run(&mut self, run: &Run, position: usize) {
        let mut node = Node::default();
        let mut left = run.length;
        while run.may_close && left > 0 {
            let Some(used) = self.close_span(run, left) else { break };
            left -= used;
            node.closes[mark_of(run.mark, used)] += 1;
        }
        node.text = run.mark.to_string().repeat(left);
        if run.may_open && left > 0 {
            let (mark, may_close) = (run.mark, run.may_close);
            let node = self.nodes.len();
            self.open.push(Opener { node, mark, length: left, may_close, position });
        }
        self.nodes.push(node);
    }

    /// Closes the newest span that what is left of the run can close. Returns how many
    /// signs that took.
    fn close_span(&mut self, run: &Run, left: usize) -> Option<usize> {
        let Run { mark, length, may_open, .. } = *run;
        let fits = |opener: &Opener| {
            // Rules 9 and 10 of CommonMark's 6.2.
            let is_odd = (opener.may_close || may_open)
                && (opener.length + length).is_multiple_of(3)
                && !length.is_multiple_of(3);
            let is_name = mark == '_' && length == 2 && self.is_name_since(opener.node);
            opener.mark == mark && (mark == '~' || !is_odd) && !is_name
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

    /// Whether the text behind this node is a name in code: `__init__` is not bold.
    fn is_name_since(&self, node: usize) -> bool {
        let mut text = self.nodes[node + 1..].iter().flat_map(|node| node.text.chars());
        text.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    }

    pub fn open_bracket(&mut self, bracket: &str, position: usize) {
        let node = self.nodes.len();
        self.open.push(Opener { node, mark: '[', length: 0, may_close: false, position });
        self.add(bracket, Style::NONE);
    }

    pub fn has_bracket(&self) -> bool {
        self.open.iter().any(|opener| opener.mark == '[')
    }

    fn newest_bracket(&self) -> Option<usize> {
        self.open.iter().rposition(|opener| opener.mark == '[')
    }

    /// Adds a `]` that ends no link.
    pub fn give_up_bracket(&mut self) {
        if let Some(index) = self.newest_bracket() {
            self.open.remove(index);
        }
        self.add("]", Style::NONE);
    }

    /// Makes a link of what follows the newest bracket.
    pub fn end_link(&mut self, address: &str) {
        let Some(index) = self.newest_bracket() else { return };
        let start = self.open[index].node;
        // What is open within it is text.
        self.open.truncate(index);
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

    /// Makes text of all that is open.
    pub fn give_up(&mut self) {
        self.open.clear();
    }

    /// Gives up spans that are too long.
    pub fn expire(&mut self, position: usize, base: Style, sink: &mut Sink) {
        let is_old = |opener: &Opener| position - opener.position > MAX_SPAN;
        let old = self.open.iter().take_while(|opener| is_old(opener)).count();
        let old = old.max(self.open.len().saturating_sub(MAX_OPEN));
        if old > 0 {
            self.open.drain(..old);
            self.pass_on(base, sink);
        }
    }

    /// Passes on what stands before the oldest open span.
    pub fn pass_on(&mut self, base: Style, sink: &mut Sink) {
        let end = self.open.first().map_or(self.nodes.len(), |opener| opener.node);
        let nodes: Vec<Node> = self.nodes.drain(..end).collect();
        for node in nodes {
            self.depths.iter_mut().zip(node.closes).for_each(|(depth, by)| *depth -= by);
            if !node.text.is_empty() {
                sink(self.style(base) | node.style, &node.text);
            }
            self.depths.iter_mut().zip(node.opens).for_each(|(depth, by)| *depth += by);
        }
        self.open.iter_mut().for_each(|opener| opener.node -= end);
    }

    /// The style of the text that is passed on now.
    pub fn style(&self, base: Style) -> Style {
        let open = MARKS.iter().zip(self.depths).filter(|(_, depth)| *depth > 0);
        open.fold(base, |style, (mark, _)| style | *mark)
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
