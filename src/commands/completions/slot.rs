//! What may stand at the cursor: the name of a command or of an option, or a value.

use clap::{Arg, ArgAction, Command};

use crate::commands::completions::shell_line::ShellLine;

/// What may stand at the cursor.
#[derive(Debug)]
pub enum Slot<'a> {
    CommandName,
    OptionName,
    /// The value of an option or an argument. `prefix` is what stands before it in the
    /// same word, such as `--model=`.
    Value {
        arg: &'a Arg,
        prefix: String,
    },
    /// The file of a redirection.
    File,
}

/// An option that was typed.
#[derive(Debug)]
pub struct TypedOption<'a> {
    pub arg: &'a Arg,
    pub value: Option<String>,
}

/// The words before the cursor, as clap's description of the command line has them.
#[derive(Debug)]
pub struct Place<'a> {
    /// The innermost command.
    pub command: &'a Command,
    /// The names of the commands, such as `history` and `show`.
    pub path: Vec<&'a str>,
    pub options: Vec<TypedOption<'a>>,
    pub slot: Slot<'a>,
}

impl<'a> Place<'a> {
    /// Finds the place of the cursor. `root` must be built.
    pub fn find(root: &'a Command, line: &ShellLine) -> Self {
        let mut reader = Reader {
            command: root,
            path: Vec::new(),
            options: Vec::new(),
            awaiting: None,
            positionals: 0,
            is_escaped: false,
        };
        line.words.iter().for_each(|word| reader.read(word));
        let slot =
            if line.current.is_redirected { Slot::File } else { reader.slot(&line.current.text) };
        Self { command: reader.command, path: reader.path, options: reader.options, slot }
    }

    /// The value that was typed last for the option with this long name.
    pub fn value_of(&self, long: &str) -> Option<&str> {
        let mut options = self.options.iter().rev();
        options.find(|option| option.arg.get_long() == Some(long))?.value.as_deref()
    }

    /// Whether this option was typed, and cannot be typed again.
    pub fn is_used_up(&self, arg: &Arg) -> bool {
        let is_repeatable = matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
        !is_repeatable && self.options.iter().any(|option| option.arg.get_id() == arg.get_id())
    }
}

struct Reader<'a> {
    command: &'a Command,
    path: Vec<&'a str>,
    options: Vec<TypedOption<'a>>,
    /// The option whose value is the next word.
    awaiting: Option<&'a Arg>,
    positionals: usize,
    /// Whether `--` has ended the options.
    is_escaped: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self, word: &str) {
        if let Some(arg) = self.awaiting.take() {
            self.options.push(TypedOption { arg, value: Some(word.to_owned()) });
            return;
        }
        let is_option = word.len() > 1 && word.starts_with('-') && !self.is_escaped;
        match word.strip_prefix("--") {
            Some("") if is_option => self.is_escaped = true,
            Some(long) if is_option => self.read_long(long),
            _ if is_option => self.read_short(&word[1..]),
            _ => match self.command.find_subcommand(word) {
                Some(command) => {
                    self.command = command;
                    self.path.push(command.get_name());
                }
                None => self.positionals += 1,
            },
        }
    }

    fn read_long(&mut self, text: &str) {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if let Some(arg) = self.long(name) {
            self.add(arg, value);
        }
    }

    /// Reads letters such as `qm` of `-qm`. What follows the letter of an option with
    /// a value is the value.
    fn read_short(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let Some(arg) = self.short(letter) else {
                return;
            };
            let rest = &letters[at + letter.len_utf8()..];
            if !takes_value(arg) {
                self.add(arg, None);
            } else if rest.is_empty() {
                return self.add(arg, None);
            } else {
                let value = rest.strip_prefix('=').unwrap_or(rest);
                return self.add(arg, Some(value.to_owned()));
            }
        }
    }

    fn add(&mut self, arg: &'a Arg, value: Option<String>) {
        match value {
            None if takes_value(arg) && !arg.is_require_equals_set() => self.awaiting = Some(arg),
            value => self.options.push(TypedOption { arg, value }),
        }
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        let has_name = |arg: &&Arg| {
            arg.get_long() == Some(name)
                || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
        };
        self.command.get_arguments().find(has_name)
    }

    fn short(&self, letter: char) -> Option<&'a Arg> {
        self.command.get_arguments().find(|arg| arg.get_short() == Some(letter))
    }

    /// What the word at the cursor, which begins with `text`, may be.
    fn slot(&self, text: &str) -> Slot<'a> {
        if let Some(arg) = self.awaiting {
            return Slot::Value { arg, prefix: String::new() };
        }
        if text.starts_with('-') && !self.is_escaped {
            let value = match text.strip_prefix("--") {
                Some(long) => self.long_value(long),
                None => self.short_value(&text[1..]),
            };
            return value.unwrap_or(Slot::OptionName);
        }
        if self.command.has_subcommands() {
            return Slot::CommandName;
        }
        // An argument that only stands behind `--` is another name for the words before.
        let positionals = self.command.get_positionals().filter(|arg| !arg.is_last_set());
        let positionals: Vec<&Arg> = positionals.collect();
        let next = positionals.get(self.positionals).or_else(|| {
            let last = positionals.last()?;
            matches!(last.get_action(), ArgAction::Append).then_some(last)
        });
        match next {
            Some(arg) => Slot::Value { arg, prefix: String::new() },
            None => Slot::OptionName,
        }
    }

    fn long_value(&self, text: &str) -> Option<Slot<'a>> {
        let (name, _) = text.split_once('=')?;
        let arg = self.long(name).filter(|arg| takes_value(arg))?;
        Some(Slot::Value { arg, prefix: format!("--{name}=") })
    }

    fn short_value(&self, letters: &str) -> Option<Slot<'a>> {
        for (at, letter) in letters.char_indices() {
            let arg = self.short(letter)?;
            if takes_value(arg) {
                let rest = &letters[at + letter.len_utf8()..];
                let has_equals = rest.starts_with('=');
                // A letter alone is still the name of the option.
                let is_value = has_equals || !(rest.is_empty() || arg.is_require_equals_set());
                let end = letters.len() - rest.len() + usize::from(has_equals);
                let prefix = format!("-{}", &letters[..end]);
                return is_value.then_some(Slot::Value { arg, prefix });
            }
        }
        None
    }
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::{Args, Shell};
    use crate::settings::environment::Environment;

    /// The path, the options with their values, and what may stand at the cursor.
    fn place(line: &str) -> String {
        let mut root = Args::command();
        root.build();
        let line = ShellLine::parse(line, Shell::Bash, &Environment::default());
        let place = Place::find(&root, &line);
        let option = |option: &TypedOption| {
            let value = option.value.as_deref().unwrap_or("-");
            format!("{}:{value}", option.arg.get_id())
        };
        let options: Vec<String> = place.options.iter().map(option).collect();
        let slot = match &place.slot {
            Slot::CommandName => "command".to_owned(),
            Slot::OptionName => "option".to_owned(),
            Slot::File => "file".to_owned(),
            Slot::Value { arg, prefix } => format!("{prefix}<{}>", arg.get_id()),
        };
        [place.path.join("/"), options.join(" "), slot].join(" | ")
    }

    #[test]
    fn the_cursor_is_where_clap_would_see_it() {
        for (line, expected) in [
            ("gravix ", " |  | command"),
            ("gravix -", " |  | option"),
            ("gravix ask ", "ask |  | <words>"),
            ("gravix ask --", "ask |  | option"),
            ("gravix ask -- --", "ask |  | <words>"),
            ("gravix ask -p ollama -qm ", "ask | profile:ollama quiet:- | <model>"),
            ("gravix ask -m", "ask |  | option"),
            ("gravix ask -ml", "ask |  | -m<model>"),
            (
                "gravix ask --model=x --temp=1 --model=",
                "ask | model:x temperature:1 | --model=<model>",
            ),
            ("gravix ask -x py -x=", "ask | extract:- | -x=<extract>"),
            ("gravix ask -qx=py -f a b ", "ask | quiet:- extract:py files:a | <words>"),
            ("gravix history show a ", "history/show |  | option"),
            ("gravix history check a ", "history/check |  | <files>"),
            ("gravix ask > ", "ask |  | file"),
            ("gravix help ", "help |  | command"),
            ("gravix models ", "models |  | option"),
        ] {
            assert_eq!(place(line), expected, "{line}");
        }
    }
}
