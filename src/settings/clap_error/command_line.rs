//! A command line that clap refused: its words, and corrected lines to paste.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command, CommandFactory};

use crate::cli::Args;
use crate::files::shell;
use crate::settings::companions;

/// The longest line that is repeated in a message, in characters.
const MAX_LINE: usize = 300;

/// The words of a command, as its options see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An option of the command, with its value if that is a word of its own.
    Option(Vec<String>),
    /// A word that begins with a dash, but is no option of the command.
    Unknown(String),
    Word(String),
}

#[derive(Debug)]
pub struct CommandLine<'a> {
    typed: &'a [OsString],
    /// Without the name of the program. `None` if one of them is not UTF-8.
    words: Option<Vec<String>>,
    /// The command that was typed, if there is one, and how many words name it.
    command: Option<(Command, usize)>,
}

impl<'a> CommandLine<'a> {
    /// `typed` begins with the name of the program.
    pub fn new(typed: &'a [OsString]) -> Self {
        let words = typed.iter().skip(1).map(|word| word.to_str().map(str::to_owned));
        Self { typed, words: words.collect(), command: command(typed) }
    }

    /// As typed, with the name of the program.
    pub fn typed(&self) -> &[OsString] {
        self.typed
    }

    /// The words, without the name of the program; none if one is not UTF-8.
    pub fn words(&self) -> &[String] {
        self.words.as_deref().unwrap_or_default()
    }

    /// The command that was typed, if there is one.
    pub fn command(&self) -> Option<&Command> {
        self.command.as_ref().map(|(command, _)| command)
    }

    /// The words that name the command, such as `history show`.
    pub fn command_words(&self) -> &[String] {
        let count = self.command.as_ref().map_or(0, |(_, count)| *count);
        self.words().get(..count).unwrap_or_default()
    }

    /// The command that prints the help.
    pub fn help(&self) -> String {
        let mut words = vec!["gravix"];
        words.extend(self.command_words().iter().map(String::as_str));
        words.push("--help");
        words.join(" ")
    }

    /// The words behind the command.
    pub fn tokens(&self) -> Vec<Token> {
        match &self.command {
            Some((command, count)) => tokens(command, self.words().get(*count..).unwrap_or(&[])),
            None => Vec::new(),
        }
    }
}

/// The command that these words name, and how many of them do.
fn command(typed: &[OsString]) -> Option<(Command, usize)> {
    let root = built();
    let (mut found, mut count) = (&root, 0);
    for word in typed.iter().skip(1) {
        let Some(child) = word.to_str().and_then(|word| found.find_subcommand(word)) else {
            break;
        };
        (found, count) = (child, count + 1);
    }
    (count > 0).then(|| (found.clone(), count))
}

/// gravix's commands, so that their options know how many values they take.
fn built() -> Command {
    let mut command = Args::command();
    command.build();
    command
}

/// The command with this name.
pub fn subcommand(name: &str) -> Option<Command> {
    built().find_subcommand(name).cloned()
}

/// The names of all commands.
pub fn command_names() -> Vec<String> {
    built().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// Splits words into the options of `command`, with their values, and others.
pub fn tokens(command: &Command, words: &[String]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            tokens.extend(rest.map(|word| Token::Word(word.clone())));
            break;
        }
        let token = match option_of(command, word) {
            Typed::Word => Token::Word(word.clone()),
            Typed::Unknown => Token::Unknown(word.clone()),
            Typed::Complete => Token::Option(vec![word.clone()]),
            Typed::WithoutValue => {
                Token::Option([word].into_iter().chain(rest.next()).cloned().collect())
            }
        };
        tokens.push(token);
    }
    tokens
}

/// What a word is to a command.
enum Typed {
    /// Only a dash, or a word that begins with none.
    Word,
    Unknown,
    /// An option that takes no value, or has it in the same word.
    Complete,
    /// The option's value is the next word.
    WithoutValue,
}

fn option_of(command: &Command, word: &str) -> Typed {
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
        return match command.get_arguments().find(|arg| long_names(arg).contains(&name)) {
            None => Typed::Unknown,
            Some(arg) if value.is_none() && needs_value(arg) => Typed::WithoutValue,
            Some(_) => Typed::Complete,
        };
    }
    let mut letters = match word.strip_prefix('-') {
        None | Some("") => return Typed::Word,
        Some(letters) => letters.chars(),
    };
    while let Some(letter) = letters.next() {
        let Some(arg) = command.get_arguments().find(|arg| arg.get_short() == Some(letter)) else {
            return Typed::Unknown;
        };
        if needs_value(arg) {
            return if letters.next().is_none() { Typed::WithoutValue } else { Typed::Complete };
        }
        if letters.as_str().starts_with('=') {
            return Typed::Complete;
        }
    }
    Typed::Complete
}

/// The long names of an option, those that are not in the help too.
pub fn long_names(arg: &Arg) -> Vec<&str> {
    let aliases = arg.get_all_aliases().unwrap_or_default();
    arg.get_long().into_iter().chain(aliases).collect()
}

fn needs_value(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|range| range.min_values() > 0)
}

/// The line with these words, if gravix accepts it and it can be shown: it holds no
/// secret and is short.
pub fn runnable(words: &[String]) -> Option<String> {
    let is_secret = words.iter().any(|word| may_be_secret(word));
    let line = [OsStr::new("gravix")].into_iter().chain(words.iter().map(OsStr::new));
    let matches = Args::command().try_get_matches_from(line);
    if is_secret || matches.and_then(|matches| companions::ensure(&matches)).is_err() {
        return None;
    }
    let text = words.iter().fold("gravix".to_owned(), |text, word| text + " " + &shell::word(word));
    Some(text).filter(|text| text.chars().count() <= MAX_LINE)
}

/// A line that asks with these words: the command's options as they are, and the
/// words of the prompt in quotes.
pub fn runnable_ask(tokens: &[Token]) -> Option<String> {
    runnable_with_words("ask", tokens)
}

/// The same for another command that takes words.
pub fn runnable_with_words(name: &str, tokens: &[Token]) -> Option<String> {
    let is_stdin = tokens.iter().any(|token| *token == Token::Word("-".to_owned()));
    let (mut in_order, mut options, mut prompt) = (vec![name.to_owned()], Vec::new(), Vec::new());
    let mut run: Vec<&str> = Vec::new();
    for token in tokens {
        match token {
            Token::Unknown(word) | Token::Word(word) if is_stdin => in_order.push(word.clone()),
            Token::Unknown(word) | Token::Word(word) => {
                run.push(word);
                prompt.push(word.as_str());
            }
            Token::Option(words) => {
                in_order.extend((!run.is_empty()).then(|| run.join(" ")));
                run.clear();
                in_order.extend_from_slice(words);
                options.extend_from_slice(words);
            }
        }
    }
    in_order.extend((!run.is_empty()).then(|| run.join(" ")));
    runnable(&in_order).or_else(|| {
        if prompt.is_empty() {
            return None;
        }
        let dashes = ["--".to_owned(), prompt.join(" ")];
        let command = [name.to_owned()].into_iter();
        runnable(&command.chain(options).chain(dashes).collect::<Vec<_>>())
    })
}

/// Whether a word may hold a key, or a password of a URL.
pub fn may_be_secret(word: &str) -> bool {
    // A prompt is one word here, with all that was typed in it.
    word.split_whitespace().any(names_secret) || word.to_ascii_lowercase().contains("bearer ")
}

/// Whether a part of a word is a secret, or an option or a field with one.
fn names_secret(part: &str) -> bool {
    // `-H`, or a cluster that ends in it, has a header behind it.
    let has_header = part.starts_with('-') && !part.starts_with("--") && part.contains('H');
    let part = part.to_ascii_lowercase();
    let name = part.split_once(['=', ':']).map(|(name, _)| name);
    let name = name.or_else(|| part.starts_with("--").then_some(part.as_str())).unwrap_or_default();
    let is_named = ["key", "token", "secret", "password", "auth", "header", "bearer"]
        .iter()
        .any(|secret| name.contains(secret));
    has_header
        || (is_named && !name.ends_with("max-tokens"))
        || part.starts_with("sk-")
        || (part.contains("://") && part.contains('@'))
}
