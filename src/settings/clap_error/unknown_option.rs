//! The message for an option that the command does not have.

use std::fmt;

use clap::Command;

use crate::settings::clap_error::command_line::{
    CommandLine, Token, long_names, may_be_secret, runnable_with_words,
};
use crate::settings::clap_error::corrected_option::foreign;
use crate::settings::clap_error::misplaced::{before_command, needless_word};
use crate::settings::clap_error::near::nearest;

/// Says what to type instead of `option`, which clap does not know: an option with
/// its dashes, or a word where none can be.
pub fn message(line: &CommandLine, option: &str) -> String {
    let Some(command) = line.command() else {
        return before_command(line, option);
    };
    if !option.starts_with('-') {
        return needless_word(line, option);
    }
    let tokens = line.tokens();
    let is_unknown = |token: &&Token| matches!(token, Token::Unknown(_));
    let is_word = |token: &Token| matches!(token, Token::Word(_));
    let is_after_words = tokens.iter().take_while(|token| !is_unknown(token)).any(is_word);
    let is_long = option.starts_with("--");
    // A single letter behind words belongs to them more likely than not.
    let known = match is_after_words && !is_long {
        true => None,
        false => foreign(line, &tokens, option).or_else(|| similar(command, option)),
    };
    let shown = match tokens.iter().find(is_unknown) {
        Some(Token::Unknown(word)) if known.is_none() || is_long => shown(word, option),
        _ => option,
    };
    let takes_words = ["ask", "suggest"].contains(&command.get_name());
    let quoted = takes_words.then(|| QuotedPrompt::new(command.get_name(), &tokens));
    let hint = match (known, quoted) {
        (Some(known), Some(quoted @ QuotedPrompt::Line(_))) if is_after_words => {
            format!("{known}; if it belongs to the prompt, {quoted}")
        }
        (Some(known), _) => known,
        (None, Some(quoted)) if is_after_words || !shown.starts_with("--") => {
            format!("; if it belongs to the prompt, {quoted}")
        }
        (None, _) => format!("; see {}", line.help()),
    };
    format!("no option '{shown}'{hint}")
}

/// How to make the option a part of the prompt.
enum QuotedPrompt {
    /// This line does.
    Line(String),
    /// There is no line to show.
    Unknown,
}

impl QuotedPrompt {
    fn new(command: &str, tokens: &[Token]) -> Self {
        runnable_with_words(command, tokens).map_or(Self::Unknown, Self::Line)
    }
}

impl fmt::Display for QuotedPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) if line.contains(" -- ") => write!(f, "use {line}"),
            Self::Line(line) => write!(f, "quote it: {line}"),
            Self::Unknown => f.write_str("quote it"),
        }
    }
}

/// The option without its value, which may be a secret. `option` is what clap
/// does not know of `word`.
fn shown<'a>(word: &'a str, option: &'a str) -> &'a str {
    let name = word.split('=').next().unwrap_or(word);
    let is_plain = name.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    match is_plain && !may_be_secret(name.trim_start_matches('-')) {
        true => name,
        false => option,
    }
}

/// The option of `command` that was misspelled.
fn similar(command: &Command, option: &str) -> Option<String> {
    let typed = option.strip_prefix("--")?.to_ascii_lowercase().replace('_', "-");
    let names: Vec<&str> = command.get_arguments().flat_map(long_names).collect();
    // Only the underscores may be wrong.
    let exact = names.iter().copied().find(|name| *name == typed);
    let found = exact.or_else(|| nearest(&typed, names))?;
    Some(format!("; did you mean --{found}?"))
}
