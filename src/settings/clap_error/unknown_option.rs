//! The message for an option that the command does not have.

use clap::Command;

use crate::settings::clap_error::command_line::{
    CommandLine, Token, long_names, may_be_secret, runnable_ask,
};
use crate::settings::clap_error::corrected_option::foreign;
use crate::settings::clap_error::misplaced::{before_command, needless_word};
use crate::settings::clap_error::near::nearest;

/// Says what to type instead of `option`, which clap does not know: an option with
/// its dashes, or a word where none can be.
pub fn message(line: &CommandLine, option: &str) -> String {
    let Some((command, _)) = line.command() else {
        return before_command(line, option);
    };
    let all = line.tokens();
    let unknown = all.iter().find_map(|token| match token {
        Token::Unknown(word) => Some(word.as_str()),
        _ => None,
    });
    if !option.starts_with('-') {
        return needless_word(line, option);
    }
    let is_after_words = all
        .iter()
        .take_while(|token| !matches!(token, Token::Unknown(_)))
        .any(|token| matches!(token, Token::Word(_)));
    let is_ask = command.get_name() == "ask";
    let quoted = if is_ask { runnable_ask(&all) } else { None };
    // A single letter behind words belongs to them more likely than not.
    let known = match is_after_words && !option.starts_with("--") {
        true => None,
        false => foreign(line, &all, option).or_else(|| similar(&command, option)),
    };
    let is_shown = quoted.is_some();
    let shown = match &known {
        Some(_) if !option.starts_with("--") => option,
        _ => shown(unknown.unwrap_or(option), option),
    };
    let quote = match (is_ask, quoted) {
        (true, Some(line)) if line.contains(" -- ") => Some(format!("use {line}")),
        (true, Some(line)) => Some(format!("quote it: {line}")),
        (true, None) => Some("quote it".to_owned()),
        (false, _) => None,
    };
    let hint = match (known, quote) {
        (Some(known), Some(quote)) if is_after_words && is_shown => {
            format!("{known}; if it belongs to the prompt, {quote}")
        }
        (Some(known), _) => known,
        (None, Some(quote)) if is_after_words || !shown.starts_with("--") => {
            format!("; if it belongs to the prompt, {quote}")
        }
        (None, _) => format!("; see {}", line.help()),
    };
    format!("no option '{shown}'{hint}")
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
