//! What to type in place of another program's option, as a whole command line where
//! that is possible.

use clap::Command;

use crate::secret::KEY_VARIABLE;
use crate::settings::clap_error::command_line::{
    CommandLine, Token, long_names, runnable, runnable_ask, tokens,
};
use crate::settings::clap_error::foreign_options::{
    FOREIGN_BATCH_OPTIONS, FOREIGN_OPTIONS, ForeignOption, Replacement,
};
use crate::settings::config::built_in::{BUILT_IN, BuiltIn};

/// What to do about an option that another program has.
pub fn foreign(line: &CommandLine, all: &[Token], option: &str) -> Option<String> {
    let name = match option.strip_prefix("--") {
        Some(name) => format!("--{}", name.to_ascii_lowercase().replace('_', "-")),
        None => option.to_owned(),
    };
    let command = line.command()?;
    let batch = if command.get_name() == "batch" { FOREIGN_BATCH_OPTIONS } else { &[] };
    let known: Vec<&ForeignOption> = batch
        .iter()
        .chain(FOREIGN_OPTIONS)
        .filter(|known| known.names.contains(&name.as_str()) && is_offered(command, known))
        .collect();
    let found = known.iter().find_map(|known| Some((*known, corrected(line, all, known)?)));
    let (known, instead) = match found {
        Some((known, corrected)) => (known, format!("use {corrected}")),
        None => (*known.first()?, known.first()?.instead.replace(KEY_VARIABLE, key_variable(all))),
    };
    Some(match known.reason {
        "" => format!("; {instead}"),
        reason => format!(": {reason}; {instead}"),
    })
}

/// Whether `command` has the option that is named instead, if one is.
fn is_offered(command: &Command, known: &ForeignOption) -> bool {
    let mut words = known.instead.split(' ').chain(match known.replacement {
        Replacement::Rename(name) => Some(name),
        _ => None,
    });
    words.all(|word| match word.trim_end_matches(',').strip_prefix("--") {
        Some(name) if !known.instead.contains("gravix") => {
            command.get_arguments().any(|arg| long_names(arg).contains(&name))
        }
        _ => true,
    })
}

/// The variable of the key that the line needs: that of its profile.
fn key_variable(all: &[Token]) -> &'static str {
    let names_profile = |profile: &&BuiltIn| {
        all.iter().any(|token| match token {
            Token::Option(words) => {
                ["-p", "--profile"].iter().any(|option| words[0].starts_with(option))
                    && words.last().is_some_and(|word| word.ends_with(profile.name))
            }
            _ => false,
        })
    };
    let profile = BUILT_IN.iter().find(names_profile);
    profile.and_then(|profile| profile.key_variable).unwrap_or(KEY_VARIABLE)
}

/// The command line with gravix's option in place of the unknown one.
fn corrected(line: &CommandLine, all: &[Token], known: &ForeignOption) -> Option<String> {
    let mut rest = all.iter().peekable();
    let mut fixed = Vec::new();
    let mut is_done = false;
    while let Some(token) = rest.next() {
        let Token::Unknown(word) = token else {
            fixed.push(token.clone());
            continue;
        };
        if is_done {
            return None;
        }
        is_done = true;
        let mut value = word.split_once('=').map(|(_, value)| value.to_owned());
        if let (true, None, Some(Token::Word(next))) =
            (takes_value(known, line), &value, rest.peek())
        {
            value = Some(next.clone());
            rest.next();
        }
        fixed.extend(replacement(known.replacement, value)?);
    }
    let words = line.command_words().to_vec();
    let has_prompt = fixed.iter().any(|token| matches!(token, Token::Word(_)));
    match words.first().map(String::as_str) {
        // To be tried, it needs a prompt.
        Some("ask") if !has_prompt => {
            fixed.push(Token::Word("hello".to_owned()));
            runnable_ask(&fixed)
        }
        Some("ask") => runnable_ask(&fixed),
        _ => runnable(&words.into_iter().chain(flattened(fixed)).collect::<Vec<_>>()),
    }
}

/// Whether the word behind the unknown option is its value.
fn takes_value(known: &ForeignOption, line: &CommandLine) -> bool {
    match known.replacement {
        Replacement::Rename(option) => line.command().is_some_and(|command| {
            let found = tokens(command, &[option.to_owned(), "value".to_owned()]);
            matches!(found.as_slice(), [Token::Option(words)] if words.len() == 2)
        }),
        Replacement::Flags(flags) => flags == ["--json-object"],
        Replacement::History | Replacement::NameValue(_) | Replacement::Prompt => true,
        Replacement::Nothing => false,
    }
}

fn replacement(replacement: Replacement, value: Option<String>) -> Option<Vec<Token>> {
    let option = |words: &[&str]| {
        Token::Option(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    };
    Some(match (replacement, value) {
        (Replacement::Rename(name), Some(value)) => vec![option(&[name, &value])],
        (Replacement::Rename(name), None) => vec![option(&[name])],
        (Replacement::Flags(words), _) => vec![option(words)],
        (Replacement::History, Some(value)) => {
            let name = if value.contains(['/', '.']) { value } else { format!("@{value}") };
            vec![option(&["--history", &name])]
        }
        (Replacement::NameValue(name), Some(value)) => {
            vec![option(&["--param", &format!("{name}={value}")])]
        }
        (Replacement::Prompt, Some(value)) => vec![Token::Word(value)],
        _ => return None,
    })
}

fn flattened(tokens: Vec<Token>) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            Token::Option(words) => words,
            Token::Unknown(word) | Token::Word(word) => vec![word],
        })
        .collect()
}
