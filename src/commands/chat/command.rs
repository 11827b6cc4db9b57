//! What is typed in a conversation: a message, or a command after a slash.

use crate::cli::CHAT_COMMANDS;
use crate::settings::clap_error::near::nearest;

/// A message to send, or a command to obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Message(String),
    Command(ChatCommand),
}

/// Texts are arguments as typed, without white space around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatCommand {
    Help,
    Retry,
    Undo,
    Edit,
    File(String),
    Image(String),
    System(String),
    Model(String),
    Set(String),
    Save(String),
    Fork(String),
    /// A code block of the last reply, counted from 1; all of it without a number.
    Copy(Option<usize>),
    Tokens,
    Show,
    Markdown(bool),
    Quit,
}

impl Input {
    /// Reads a line that was typed. Two slashes begin a message with one slash.
    ///
    /// # Errors
    /// Says what to type instead.
    pub fn parse(line: &str) -> Result<Self, String> {
        let Some(command) = line.strip_prefix('/') else {
            return Ok(Self::Message(line.to_owned()));
        };
        if command.starts_with('/') {
            return Ok(Self::Message(command.to_owned()));
        }
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        parse_command(name, argument.trim()).map(Self::Command)
    }

    /// A message as it is typed: with a second slash before the first one.
    pub fn typed(message: &str) -> String {
        if message.starts_with('/') { format!("/{message}") } else { message.to_owned() }
    }
}

fn parse_command(name: &str, argument: &str) -> Result<ChatCommand, String> {
    let some = |command: fn(String) -> ChatCommand, what: &str| match argument {
        "" => Err(format!("/{name} needs {what}, as in {}", usage(name))),
        argument => Ok(command(argument.to_owned())),
    };
    let none = |command: ChatCommand| match argument {
        "" => Ok(command),
        argument => Err(format!("/{name} has no place for '{argument}'")),
    };
    match name {
        "help" | "h" | "?" => none(ChatCommand::Help),
        "retry" => none(ChatCommand::Retry),
        "undo" => none(ChatCommand::Undo),
        "edit" => none(ChatCommand::Edit),
        "file" => some(ChatCommand::File, "a file"),
        "image" => some(ChatCommand::Image, "a file or a URL"),
        "system" => some(ChatCommand::System, "a text"),
        "model" => Ok(ChatCommand::Model(argument.to_owned())),
        "set" => some(ChatCommand::Set, "a field and its value"),
        "save" => some(ChatCommand::Save, "a file"),
        "fork" => some(ChatCommand::Fork, "a file"),
        "copy" => match (argument, argument.parse()) {
            ("", _) => Ok(ChatCommand::Copy(None)),
            (_, Ok(number)) if number > 0 => Ok(ChatCommand::Copy(Some(number))),
            _ => Err(format!("/copy takes the number of a code block, not '{argument}'")),
        },
        "tokens" => none(ChatCommand::Tokens),
        "show" => none(ChatCommand::Show),
        "markdown" => match argument {
            "on" => Ok(ChatCommand::Markdown(true)),
            "off" => Ok(ChatCommand::Markdown(false)),
            _ => Err("type /markdown on or /markdown off".to_owned()),
        },
        "quit" | "exit" | "q" => none(ChatCommand::Quit),
        _ => Err(unknown(name)),
    }
}

/// The names of the commands, without the slash.
pub fn names() -> impl Iterator<Item = &'static str> {
    let words = CHAT_COMMANDS.iter().map(|(usage, _)| *usage);
    words.filter_map(|usage| {
        usage.strip_prefix('/')?.split(' ').next().filter(|name| !name.starts_with('/'))
    })
}

fn usage(name: &str) -> &'static str {
    let is_of = |usage: &&str| usage[1..].split(' ').next() == Some(name);
    CHAT_COMMANDS.iter().map(|(usage, _)| *usage).find(is_of).unwrap_or_default()
}

fn unknown(name: &str) -> String {
    match nearest(name, names()) {
        Some(near) => format!("no command /{name}; did you mean /{near}?"),
        None => {
            format!("no command /{name}; /help lists them, and // begins a message with a slash")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Result<Input, String> {
        Ok(Input::Message(text.to_owned()))
    }

    #[test]
    fn a_slash_begins_a_command_and_two_begin_a_message() {
        assert_eq!(Input::parse("hello /quit"), message("hello /quit"));
        assert_eq!(Input::parse("//etc is a directory"), message("/etc is a directory"));
        assert_eq!(Input::parse(" /quit"), message(" /quit"));
        assert_eq!(Input::parse("/quit"), Ok(Input::Command(ChatCommand::Quit)));
        let system = ChatCommand::System("Be brief.\nAnd kind.".to_owned());
        assert_eq!(Input::parse("/system  Be brief.\nAnd kind. "), Ok(Input::Command(system)));
    }

    #[test]
    fn a_message_that_is_typed_again_is_the_same_message() {
        for text in ["/etc/hosts", "//", "/", "plain", ""] {
            assert_eq!(Input::parse(&Input::typed(text)), message(text));
        }
    }

    #[test]
    fn a_command_that_is_wrong_says_what_to_type() {
        for (line, says) in [
            ("/retyr", "no command /retyr; did you mean /retry?"),
            (
                "/usr/bin",
                "no command /usr/bin; /help lists them, and // begins a message with a slash",
            ),
            ("/", "no command /; /help lists them, and // begins a message with a slash"),
            ("/file", "/file needs a file, as in /file PATH"),
            ("/set", "/set needs a field and its value, as in /set NAME=VALUE"),
            ("/quit now", "/quit has no place for 'now'"),
            ("/copy 0", "/copy takes the number of a code block, not '0'"),
            ("/markdown", "type /markdown on or /markdown off"),
        ] {
            assert_eq!(Input::parse(line), Err(says.to_owned()));
        }
    }

    #[test]
    fn every_command_of_the_help_is_known() {
        for name in names() {
            let parsed = parse_command(name, "");
            assert!(parsed.is_ok() || !parsed.unwrap_err().starts_with("no command"), "{name}");
        }
        assert_eq!(names().count(), CHAT_COMMANDS.len() - 1);
    }
}
