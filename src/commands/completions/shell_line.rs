//! The command line up to the cursor, read as a shell reads it: words, quotes and
//! redirections. Nothing is run, so `$(...)` stays as it is.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::cli::Shell;
use crate::settings::environment::Environment;

/// Words that may stand before the name of a program.
const BEFORE_PROGRAM: &[&str] =
    &["and", "builtin", "command", "exec", "nohup", "not", "or", "time", "!"];

/// The quotes that are still open at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenQuote {
    None,
    Single,
    Double,
}

/// The word at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentWord {
    /// Without its quotes.
    pub text: String,
    /// As typed.
    pub raw: String,
    pub quote: OpenQuote,
    /// Whether it is the file of a redirection, as in `< FILE`.
    pub is_redirected: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct ShellLine {
    /// The words between the program's name and the cursor.
    pub words: Vec<String>,
    pub current: CurrentWord,
}

impl ShellLine {
    /// Splits `line`, which ends at the cursor. Variables that are not exported stay
    /// as they are.
    pub fn parse(line: &str, shell: Shell, environment: &Environment) -> Self {
        let chars = line.char_indices().peekable();
        let mut lexer = Lexer { line, chars, shell, environment };
        let mut words = Vec::new();
        loop {
            let (word, is_last) = lexer.next_word();
            if is_last {
                return Self { words: arguments(words), current: word };
            }
            if !word.is_redirected {
                words.push(word.text);
            }
        }
    }
}

/// The words behind the name of the program.
fn arguments(words: Vec<String>) -> Vec<String> {
    let is_before = |word: &&String| {
        let is_assignment = word.split_once('=').is_some_and(|(name, _)| is_variable(name));
        is_assignment || BEFORE_PROGRAM.contains(&word.as_str())
    };
    let before = words.iter().take_while(is_before).count();
    words.into_iter().skip(before + 1).collect()
}

fn is_variable(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(is_part)
}

struct Lexer<'a> {
    line: &'a str,
    chars: Peekable<CharIndices<'a>>,
    shell: Shell,
    environment: &'a Environment,
}

impl Lexer<'_> {
    /// The next word, and whether the cursor is at its end. A word is empty where the
    /// cursor follows a blank.
    fn next_word(&mut self) -> (CurrentWord, bool) {
        while self.chars.next_if(|(_, c)| is_blank(*c)).is_some() {}
        let is_redirected = self.skip_redirection();
        let start = self.position();
        let mut word = Word { text: String::new(), quote: OpenQuote::None };
        let mut depth = 0_u32;
        let is_last = loop {
            let Some(&(_, c)) = self.chars.peek() else {
                break true;
            };
            let is_separator = is_blank(c) || matches!(c, '<' | '>');
            let is_process = self.line[start..].starts_with("<(") && word.text.is_empty();
            if is_separator && word.quote == OpenQuote::None && depth == 0 && !is_process {
                break false;
            }
            self.chars.next();
            match (c, word.quote) {
                ('(', OpenQuote::None) => depth += 1,
                (')', OpenQuote::None) => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.push(c, &mut word);
        };
        let raw = self.line[start..self.position()].to_owned();
        (CurrentWord { text: word.text, raw, quote: word.quote, is_redirected }, is_last)
    }

    fn position(&mut self) -> usize {
        self.chars.peek().map_or(self.line.len(), |(at, _)| *at)
    }

    /// Skips `<`, `2>>` and the like, and the blanks behind. Returns false if there is
    /// none.
    fn skip_redirection(&mut self) -> bool {
        let start = self.position();
        let rest = &self.line[start..];
        let operator = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
        if !operator.starts_with(['<', '>']) || operator.starts_with("<(") {
            return false;
        }
        let target = operator.trim_start_matches(['<', '>', '|', '&']);
        let target = target.trim_start_matches(is_blank);
        let end = self.line.len() - target.len();
        while self.chars.next_if(|(at, _)| *at < end).is_some() {}
        true
    }

    /// Adds a character of the line to the word: a quote opens or closes, a backslash
    /// stands for what follows it.
    fn push(&mut self, c: char, word: &mut Word) {
        match (c, word.quote) {
            ('\'', OpenQuote::None) => word.quote = OpenQuote::Single,
            ('"', OpenQuote::None) => word.quote = OpenQuote::Double,
            ('\'', OpenQuote::Single) | ('"', OpenQuote::Double) => word.quote = OpenQuote::None,
            ('\\', quote) => self.push_escaped(quote, word),
            ('$', OpenQuote::None | OpenQuote::Double) => self.push_variable(word),
            ('~', OpenQuote::None) if word.text.is_empty() => {
                let is_home = self.chars.peek().is_none_or(|(_, c)| *c == '/' || is_blank(*c));
                let home = self.environment.get("HOME").and_then(|home| home.to_str());
                match home.filter(|_| is_home) {
                    Some(home) => word.text += home,
                    None => word.text.push('~'),
                }
            }
            (c, _) => word.text.push(c),
        }
    }

    fn push_escaped(&mut self, quote: OpenQuote, word: &mut Word) {
        let is_escapable = |c: char| match quote {
            OpenQuote::None => true,
            OpenQuote::Double => "$`\"\\".contains(c),
            OpenQuote::Single => matches!(self.shell, Shell::Fish) && "'\\".contains(c),
        };
        match self.chars.next_if(|(_, c)| is_escapable(*c)) {
            Some((_, c)) => word.text.push(c),
            // A backslash at the cursor waits for its character.
            None if quote == OpenQuote::None => {}
            None => word.text.push('\\'),
        }
    }

    /// The value of `$NAME` or `${NAME}`; the text itself if the variable is not set.
    fn push_variable(&mut self, word: &mut Word) {
        let start = self.position();
        let rest = &self.line[start..];
        let name = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, _)) => name,
            None => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                &rest[..end.unwrap_or(rest.len())]
            }
        };
        let value = self.environment.get(name).and_then(|value| value.to_str());
        let Some(value) = value.filter(|_| is_variable(name)) else {
            word.text.push('$');
            return;
        };
        word.text += value;
        let braces = if rest.starts_with('{') { 2 } else { 0 };
        let end = start + name.len() + braces;
        while self.chars.next_if(|(at, _)| *at < end).is_some() {}
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

/// A word that is being read.
struct Word {
    text: String,
    quote: OpenQuote,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> ShellLine {
        let variables = [("HOME", "/home/u"), ("URL", "http://h/v1")];
        let environment = variables.map(|(name, value)| (name.into(), value.into()));
        ShellLine::parse(line, Shell::Bash, &environment.into_iter().collect())
    }

    #[test]
    fn words_are_read_as_a_shell_reads_them() {
        for (line, words, current) in [
            ("gravix ", &[][..], ""),
            ("gravix ask -m lla", &["ask", "-m"], "lla"),
            ("gravix ask 'a b' \"c $URL\" d\\ e", &["ask", "a b", "c http://h/v1"], "d e"),
            ("gravix ask ${URL}/x $NONE '$URL' ", &["ask", "http://h/v1/x", "$NONE", "$URL"], ""),
            ("gravix --config ~/c.toml ~x a~ ", &["--config", "/home/u/c.toml", "~x", "a~"], ""),
            ("gravix ask < in.txt 2>>log x", &["ask"], "x"),
            (
                "gravix ask >out <(cat a b) $(echo c d) e",
                &["ask", "<(cat a b)", "$(echo c d)"],
                "e",
            ),
            ("A=b time gravix ask ", &["ask"], ""),
        ] {
            let parsed = parse(line);
            assert_eq!(parsed.words, words, "{line}");
            assert_eq!(parsed.current.text, current, "{line}");
        }
    }

    #[test]
    fn the_word_at_the_cursor_keeps_what_was_typed() {
        for (line, raw, quote) in [
            ("gravix ask \"a b", "\"a b", OpenQuote::Double),
            ("gravix ask 'a", "'a", OpenQuote::Single),
            ("gravix ask a\\ b", "a\\ b", OpenQuote::None),
        ] {
            let current = parse(line).current;
            assert_eq!((&*current.raw, current.quote), (raw, quote), "{line}");
            assert!(!current.is_redirected);
        }
        for line in ["gravix ask < ", "gravix ask 2>lo", "gravix ask a <<<b"] {
            assert!(parse(line).current.is_redirected, "{line}");
        }
    }

    #[test]
    fn fish_escapes_quotes_between_quotes() {
        let parsed =
            ShellLine::parse(r"gravix ask 'it\'s' b", Shell::Fish, &Environment::default());
        assert_eq!(parsed.words, ["ask", "it's"]);
    }
}
