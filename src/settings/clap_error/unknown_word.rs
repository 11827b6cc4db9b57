//! The message for a word where a command should be.

use std::path::Path;

use crate::files::shell;
use crate::settings::clap_error::command_line::{
    CommandLine, Token, command_names, may_be_secret, runnable, runnable_ask, runnable_with_words,
    subcommand, tokens,
};
use crate::settings::clap_error::foreign_words::{FOREIGN_COMMANDS, Meaning};
use crate::settings::clap_error::near::nearest;

/// Says what to type instead of `word`, which is no command. The most likely
/// mistake is a question without `ask`.
pub fn message(line: &CommandLine, word: &str) -> String {
    if line.command_words().first().is_some_and(|name| name == "history") {
        return in_history(line, word);
    }
    let shown = match may_be_secret(word) || word.contains(char::is_whitespace) {
        true => "no command given".to_owned(),
        false => format!("no command '{word}'"),
    };
    let words = line.words();
    let behind = words.get(1..).unwrap_or_default();
    let foreign = FOREIGN_COMMANDS.iter().find(|(names, _)| names.contains(&word));
    let hint = foreign.and_then(|(_, meaning)| for_foreign(*meaning, behind));
    if let Some(hint) = hint {
        return format!("{shown}; {hint}");
    }
    let names = command_names();
    let near = nearest(word, names.iter().map(String::as_str));
    // Everything can be a prompt, so only a slip is taken for `ask`.
    let near = near.filter(|name| *name != "ask" || word.starts_with('a'));
    let corrected = near.and_then(|name| {
        let line = [name.to_owned()].into_iter().chain(behind.iter().cloned());
        runnable(&line.collect::<Vec<_>>())
    });
    match (corrected, asked(words)) {
        (Some(corrected), _) => format!("{shown}; did you mean {corrected}?"),
        (None, _) if near.is_some_and(|name| name != "ask") && behind.len() < 2 => {
            format!("{shown}; did you mean gravix {}?", near.unwrap_or_default())
        }
        (None, Some(asked)) => format!("{shown}; to ask a question, use {asked}"),
        (None, None) => format!("{shown}; to ask a question, use gravix ask \"…\""),
    }
}

/// The line that asks these words; none if they are blank.
fn asked(words: &[String]) -> Option<String> {
    if words.iter().all(|word| word.trim().is_empty()) {
        return None;
    }
    runnable_ask(&tokens(&subcommand("ask")?, words))
}

/// What a command of another program is here, with the words behind it; `None` if
/// they make it a question.
fn for_foreign(meaning: Meaning, behind: &[String]) -> Option<String> {
    let with_words = |name: &str, options: &[&str], words: &[String]| {
        let mut all = vec![Token::Option(options.iter().map(|word| (*word).to_owned()).collect())];
        match words {
            [] if name == "suggest" => all.push(Token::Word("list files".to_owned())),
            [] => all.push(Token::Word("hello".to_owned())),
            words => all.extend(tokens(&subcommand(name)?, words)),
        }
        runnable_with_words(name, &all).map(|line| format!("use {line}"))
    };
    match (meaning, behind) {
        (Meaning::Words(command), words) => with_words(command[0], &command[1..], words),
        (Meaning::AskModel, [model, prompt @ ..]) if !model.starts_with('-') => {
            with_words("ask", &["-m", model], prompt)
        }
        (Meaning::AskModel, _) => None,
        (Meaning::Alone(words), []) => Some(format!("use gravix {}", words.join(" "))),
        (Meaning::Alone(_), _) => None,
        (Meaning::Reason(reason), [] | [_] | [_, _]) => Some(reason.to_owned()),
        (Meaning::Reason(_), _) => None,
    }
}

/// The message for a word behind `history` that is no command of it.
fn in_history(line: &CommandLine, word: &str) -> String {
    let file = shell::path_word(Path::new(word));
    let is_file = Path::new(word).is_file() || word.starts_with('@') || word.contains(['.', '/']);
    let names = line
        .command()
        .into_iter()
        .flat_map(clap::Command::get_subcommands)
        .map(clap::Command::get_name);
    // `@NAME` is no file of that name.
    let behind = line.words().get(2).filter(|path| !path.starts_with(['-', '@']));
    let hint = match (nearest(word, names), behind) {
        _ if is_file && !may_be_secret(word) => format!("use gravix history show {file}"),
        (_, Some(path)) if ["rm", "delete", "remove", "clear"].contains(&word) => {
            format!(
                "a conversation is a file; remove it with rm {}",
                shell::path_word(Path::new(path))
            )
        }
        (Some(near), _) => {
            let words = ["history", near].map(str::to_owned).into_iter();
            let behind = line.words().get(2..).unwrap_or_default().iter().cloned();
            let corrected = runnable(&words.chain(behind).collect::<Vec<_>>());
            let corrected = corrected.unwrap_or_else(|| format!("gravix history {near}"));
            format!("did you mean {corrected}?")
        }
        (None, _) => format!("see {}", line.help()),
    };
    match may_be_secret(word) {
        true => format!("no such command of history; {hint}"),
        false => format!("no command 'history {word}'; {hint}"),
    }
}
