//! What gravix answers a completion script: a line that says what follows, and a line
//! for each candidate.

use crate::cli::Shell;
use crate::commands::completions::shell_line::{CurrentWord, OpenQuote};
use crate::output::sanitize::is_harmful;

/// A word that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub value: String,
    /// Empty without one.
    pub description: String,
}

impl Candidate {
    pub fn new(value: impl Into<String>, description: impl Into<String>) -> Self {
        Self { value: value.into(), description: description.into() }
    }

    /// A candidate that needs no description.
    pub fn plain(value: impl Into<String>) -> Self {
        Self::new(value, "")
    }
}

/// Which files the shell completes itself, in addition to the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    No,
    Any,
    Directories,
}

#[derive(Debug)]
pub struct Answer {
    /// What the candidates are, for shells that say so.
    pub label: &'static str,
    /// What stands before the value in the word at the cursor, such as `--model=`.
    pub prefix: String,
    pub files: Files,
    pub candidates: Vec<Candidate>,
}

impl Answer {
    /// The text for a script. Its first line is `values`, `files` or `directories`, the
    /// prefix and the label; each other line is a candidate, and its description for
    /// shells that show it. `break_word` is what bash replaces of the word at the cursor.
    pub fn text(&self, shell: Shell, current: &CurrentWord, break_word: &str) -> String {
        let files = match self.files {
            Files::No => "values",
            Files::Any => "files",
            Files::Directories => "directories",
        };
        let mut text = format!("{files}\t{}\t{}\n", self.prefix, self.label);
        // A tab or a newline would end it, and others can harm the terminal.
        let is_safe = |candidate: &&Candidate| !candidate.value.contains(is_harmful);
        for candidate in self.candidates.iter().filter(is_safe) {
            let line = match shell {
                Shell::Bash => self.bash_line(candidate, current, break_word),
                // zsh takes the prefix away itself.
                Shell::Zsh => Some(described("", candidate)),
                Shell::Fish | Shell::Powershell | Shell::Elvish => {
                    Some(described(&self.prefix, candidate))
                }
            };
            if let Some(line) = line {
                text += &line;
                text.push('\n');
            }
        }
        text
    }

    /// What bash inserts; `None` if the candidate does not begin as the word does.
    fn bash_line(
        &self,
        candidate: &Candidate,
        current: &CurrentWord,
        break_word: &str,
    ) -> Option<String> {
        let value = format!("{}{}", self.prefix, candidate.value);
        let rest = bash_word(&value, current, break_word)?;
        // With files, bash quotes all that it inserts.
        Some(match self.files {
            Files::No => quoted(rest, current.quote),
            Files::Any | Files::Directories => rest.to_owned(),
        })
    }
}

fn described(prefix: &str, candidate: &Candidate) -> String {
    let description = candidate.description.lines().next().unwrap_or_default();
    format!("{prefix}{}\t{}", candidate.value, description.replace(is_harmful, " "))
}

/// The part of `value` that bash inserts instead of `break_word`: bash breaks words at
/// `=`, `:` and others. `None` if `value` does not begin as the word at the cursor does.
fn bash_word<'a>(value: &'a str, current: &CurrentWord, break_word: &str) -> Option<&'a str> {
    if !value.starts_with(&current.text) {
        return None;
    }
    let kept = current.raw.strip_suffix(break_word).unwrap_or_default();
    // Quotes and backslashes in what stays are not part of the value.
    let break_text = break_word.replace('\\', "");
    match kept {
        "" => Some(value),
        _ => Some(&value[current.text.strip_suffix(&*break_text)?.len()..]),
    }
}

/// `text` as bash would have it typed within these quotes.
fn quoted(text: &str, quote: OpenQuote) -> String {
    let is_special = |c: char| match quote {
        OpenQuote::None => " \t'\"\\$`!*?[]{}()<>|&;#~".contains(c),
        OpenQuote::Double => "\"\\$`!".contains(c),
        OpenQuote::Single => false,
    };
    let mut word = String::new();
    for c in text.chars() {
        match c {
            '\'' if quote == OpenQuote::Single => word += r"'\''",
            c if is_special(c) => word.extend(['\\', c]),
            c => word.push(c),
        }
    }
    word
}
