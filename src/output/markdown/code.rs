//! Code, as it arrives: its strings, comments and keywords in colour, and nothing of it
//! changed.

use crate::output::markdown::languages::Language;
use crate::output::markdown::style::{Look, Style};
use crate::output::sanitize::push_sanitized;

#[derive(Debug)]
pub struct CodeWriter {
    look: Look,
    language: Option<&'static Language>,
    state: State,
    /// What is not written yet: at most a word.
    source: String,
    /// The character before it.
    last: Option<char>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    /// A string up to this quote.
    Quoted(&'static str),
    Comment,
    BlockComment,
}

/// A longer word is written in parts. In bytes.
const MAX_WORD: usize = 256;

/// Quotes of one character, to be found by it.
const QUOTES: [&str; 2] = ["\"", "'"];

impl CodeWriter {
    /// A writer of code in the language that `info`, the text of the fence, names.
    pub fn new(look: Look, info: &str) -> Self {
        let language = Language::named(info);
        Self { look, language, state: State::Code, source: String::new(), last: None }
    }

    /// Adds a part of a line.
    pub fn push(&mut self, text: &str, out: &mut Vec<u8>) {
        match self.language {
            None => push_sanitized(out, text),
            Some(language) => {
                self.source += text;
                self.write_words(language, false, out);
            }
        }
    }

    pub fn end_line(&mut self, out: &mut Vec<u8>) {
        if let Some(language) = self.language {
            self.write_words(language, true, out);
            let goes_on = match self.state {
                State::Quoted(quote) => language.long_quotes.contains(&quote),
                state => state == State::BlockComment,
            };
            if !goes_on {
                self.state = State::Code;
            }
        }
        self.last = None;
        out.push(b'\n');
    }

    fn write_words(&mut self, language: &'static Language, is_end: bool, out: &mut Vec<u8>) {
        let source = std::mem::take(&mut self.source);
        let mut at = 0;
        while let Some((length, style)) = self.next_word(language, &source[at..], is_end) {
            let mut word = Vec::new();
            push_sanitized(&mut word, &source[at..at + length]);
            self.look.paint(out, style, &String::from_utf8_lossy(&word));
            at += length;
            self.last = source[..at].chars().next_back();
        }
        self.source = source;
        self.source.drain(..at);
    }

    /// The length and the style of the next word. `None` if more of the line decides, or
    /// if there is nothing.
    fn next_word(
        &mut self,
        language: &'static Language,
        text: &str,
        is_end: bool,
    ) -> Option<(usize, Style)> {
        let limit = (0..4).find_map(|more| text.get(..MAX_WORD + more));
        let is_end = is_end || limit.is_some();
        let text = limit.unwrap_or(text);
        if self.state == State::Code && !text.is_empty() {
            return self.next_in_code(language, text, is_end);
        }
        let (end, style) = match self.state {
            State::Quoted(quote) => (quote, Style::GREEN),
            State::BlockComment => (language.block.1, Style::DIM),
            _ => ("", Style::DIM),
        };
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            let rest = &text[at..];
            if !end.is_empty() && rest.starts_with(end) {
                self.state = State::Code;
                return Some((at + end.len(), style));
            }
            if c == '\\' && style == Style::GREEN {
                // Whatever follows, it does not end the string.
                chars.next().or(is_end.then_some((0, c)))?;
            } else if c.is_whitespace() {
                return Some((at + c.len_utf8(), style));
            } else if !is_end && rest.len() < end.len() && end.starts_with(rest) {
                return None;
            }
        }
        (is_end && !text.is_empty()).then_some((text.len(), style))
    }

    fn next_in_code(
        &mut self,
        language: &'static Language,
        text: &str,
        is_end: bool,
    ) -> Option<(usize, Style)> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = text.find(|c| !is_word(c)).or(is_end.then_some(text.len()))?;
        if end > 0 {
            let style = match language.is_keyword(&text[..end]) {
                true => Style::MAGENTA,
                false => Style::NONE,
            };
            return Some((end, style));
        }
        let begins = |mark: &str| !mark.is_empty() && text.starts_with(mark);
        let may_begin = |mark: &str| !is_end && text.len() < mark.len() && mark.starts_with(text);
        let is_apart = self.last.is_none_or(|c| c.is_whitespace() || c == ';');
        let long = language.long_quotes;
        if long.iter().any(|quote| may_begin(quote))
            || may_begin(language.comment)
            || may_begin(language.block.0)
        {
            return None;
        }
        if let Some(quote) = long.iter().find(|quote| begins(quote)) {
            self.state = State::Quoted(quote);
            return Some((quote.len(), Style::GREEN));
        }
        // In a shell, # is a comment only at the start of a word.
        if begins(language.comment) && (language.comment != "#" || is_apart) {
            self.state = State::Comment;
            return Some((language.comment.len(), Style::DIM));
        }
        if begins(language.block.0) {
            self.state = State::BlockComment;
            return Some((language.block.0.len(), Style::DIM));
        }
        let first = text.chars().next()?;
        let quote = QUOTES.iter().find(|quote| begins(quote));
        if let Some(quote) = quote.filter(|_| language.quotes.contains(first)) {
            self.state = State::Quoted(quote);
            return Some((1, Style::GREEN));
        }
        Some((first.len_utf8(), Style::NONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code with each word in brackets that has a style.
    fn shown(info: &str, code: &str) -> String {
        let mut out = Vec::new();
        let mut writer = CodeWriter::new(Look::Colours, info);
        for line in code.lines() {
            line.chars().for_each(|c| writer.push(&c.to_string(), &mut out));
            writer.end_line(&mut out);
        }
        let shown = String::from_utf8(out).expect("UTF-8").replace("\x1b[0m", ")");
        ["\x1b[32m", "\x1b[35m", "\x1b[2m"]
            .iter()
            .zip(["s(", "k(", "c("])
            .fold(shown, |shown, (code, mark)| shown.replace(code, mark))
    }

    #[test]
    fn strings_comments_and_keywords_are_marked() {
        assert_eq!(
            shown("python", "def f(a): # the x\n    return 'a\\'b' + \"\"\"c\nd\"\"\""),
            "k(def) f(a): c(#)c( )c(the )c(x)\n    k(return) s(')s(a\\'b') + s(\"\"\")s(c)\ns(d\"\"\")\n"
        );
        assert_eq!(shown("rust", "fn f<'a>() {} // x"), "k(fn) f<'a>() {} c(//)c( )c(x)\n");
        assert_eq!(shown("sh", "echo $# a#b"), "echo $# a#b\n");
        assert_eq!(shown("sql", "select 1 -- x"), "k(select) 1 c(--)c( )c(x)\n");
        assert_eq!(shown("c", "a /* b\nc */ d"), "a c(/*)c( )c(b)\nc(c )c(*/) d\n");
    }

    #[test]
    fn code_in_other_languages_stays_plain() {
        assert_eq!(shown("brainfuck", "if \"a\""), "if \"a\"\n");
        assert_eq!(shown("", "if \"a\"\x1b"), "if \"a\"^[\n");
    }
}
