//! The messages for words and options that gravix knows, but not in this place.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};

use crate::settings::clap_error::command_line::{
    CommandLine, Token, command_names, may_be_secret, runnable, runnable_ask, subcommand, tokens,
};
use crate::settings::clap_error::corrected_option::foreign;
use crate::settings::clap_error::foreign_words::FOREIGN_ARGUMENTS;
use crate::settings::clap_error::near::nearest;
use crate::settings::config::built_in::BUILT_IN;

/// The message for options in front of the command.
pub fn before_command(line: &CommandLine, option: &str) -> String {
    let words = line.words();
    if let Some(message) = behind_command(words) {
        return message;
    }
    if option == "-v" && words.len() == 1 {
        return "no command given; for the version, use gravix --version".to_owned();
    }
    let near = option.strip_prefix("--").and_then(|name| nearest(name, ["version", "help"]));
    match near {
        Some(near) => format!("no option '{option}'; did you mean --{near}?"),
        None => as_question(words, option),
    }
}

/// The message for options of a command that follows them; `None` if none does.
fn behind_command(words: &[String]) -> Option<String> {
    command_names().into_iter().find_map(|name| {
        let command = subcommand(&name)?;
        let are_its_options = |before: &[String]| {
            tokens(&command, before).iter().all(|token| matches!(token, Token::Option(_)))
        };
        let mut places = (0..words.len()).filter(|at| words[*at] == name);
        let at = places.find(|at| are_its_options(&words[..*at]))?;
        let after = words[at + 1..].iter();
        let moved = [&words[at]].into_iter().chain(&words[..at]).chain(after).cloned();
        let hint = match runnable(&moved.collect::<Vec<_>>()) {
            Some(line) => format!("use {line}"),
            None => format!("write gravix {name} first"),
        };
        Some(format!("options follow the command; {hint}"))
    })
}

/// The message for options without a command. Most words are a question then.
fn as_question(words: &[String], option: &str) -> String {
    let typed: Vec<OsString> = ["gravix", "ask"]
        .into_iter()
        .map(OsString::from)
        .chain(words.iter().filter(|word| *word != "ask").map(OsString::from))
        .collect();
    let asked = CommandLine::new(&typed);
    let mut tokens = asked.tokens();
    if tokens.iter().any(|token| matches!(token, Token::Unknown(_))) {
        return match foreign(&asked, &tokens, option) {
            Some(hint) => format!("no option '{option}'{hint}"),
            None => format!("no option '{option}' before the command; see gravix --help"),
        };
    }
    if !tokens.iter().any(|token| matches!(token, Token::Word(_))) {
        tokens.push(Token::Word("hello".to_owned()));
    }
    match runnable_ask(&tokens) {
        Some(line) => format!("no command given; to ask a question, use {line}"),
        None => "no command given; to ask a question, write gravix ask first".to_owned(),
    }
}

/// The message for a word where the command takes none.
pub fn needless_word(line: &CommandLine, word: &str) -> String {
    let command = line.command_words().join(" ");
    let known =
        FOREIGN_ARGUMENTS.iter().find(|(name, words, _)| *name == command && words.contains(&word));
    let is_profile = BUILT_IN.iter().any(|profile| profile.name == word);
    let hint = match known {
        Some((_, _, hint)) => (*hint).to_owned(),
        None if is_profile => format!("use gravix {command} -p {word}"),
        None => format!("see {}", line.help()),
    };
    match may_be_secret(word) {
        true => format!("gravix {command} has no place for a word more; {hint}"),
        false => format!("gravix {command} has no place for '{word}'; {hint}"),
    }
}

/// The message for `--continue` with a prompt, if that is the conflict: other
/// programs continue a conversation with it.
pub fn continued_prompt(line: &CommandLine, error: &clap::Error) -> Option<String> {
    let names = [ContextKind::InvalidArg, ContextKind::PriorArg].map(|kind| error.get(kind));
    let has = |start: &str| {
        names.iter().flatten().any(|value| match value {
            ContextValue::String(name) => name.starts_with(start),
            ContextValue::Strings(names) => names.iter().any(|name| name.starts_with(start)),
            _ => false,
        })
    };
    if !has("--continue") || !has("[PROMPT]") {
        return None;
    }
    let is_kept = |token: &Token| *token != Token::Option(vec!["--continue".to_owned()]);
    let mut tokens: Vec<Token> = line.tokens().into_iter().filter(is_kept).collect();
    let history =
        |token: &Token| matches!(token, Token::Option(words) if words[0].starts_with("--history"));
    if !tokens.iter().any(history) {
        let words = ["--history", "@chat"].map(str::to_owned).to_vec();
        tokens.insert(0, Token::Option(words));
    }
    let hint = runnable_ask(&tokens).unwrap_or_else(|| "gravix ask --history @NAME".to_owned());
    Some(format!("--continue sends a history as it is, without a prompt; use {hint}"))
}
