//! `gravix chat` on a pseudo-terminal.

use std::num::NonZero;
use std::path::Path;
use std::process::Command;

use super::gravix;
use super::screen::Screen;

const ROWS: NonZero<u16> = NonZero::new(40).expect("not zero");
const COLUMNS: NonZero<u16> = NonZero::new(100).expect("not zero");

/// A conversation under way.
pub struct ChatScreen {
    pub screen: Screen,
}

/// `gravix chat` in the directory `home`, which is the home directory too.
pub fn chat(home: &Path, base_url: &str, arguments: &[&str]) -> Command {
    let mut command = gravix();
    command
        .args(["chat", "--base-url", base_url, "-m", "m"])
        .args(arguments)
        .env("HOME", home)
        .current_dir(home);
    command
}

impl ChatScreen {
    #[track_caller]
    pub fn start(home: &Path, base_url: &str, arguments: &[&str]) -> Self {
        Self::run(&chat(home, base_url, arguments))
    }

    /// Starts the command and waits for its first prompt.
    #[track_caller]
    pub fn run(command: &Command) -> Self {
        let mut chat = Self { screen: Screen::start(command, ROWS, COLUMNS) };
        chat.wait_for_prompt();
        chat
    }

    /// Waits for a prompt with an empty line.
    #[track_caller]
    pub fn wait_for_prompt(&mut self) -> String {
        self.wait_for_line("")
    }

    /// Waits for a prompt with this text in the line.
    #[track_caller]
    pub fn wait_for_line(&mut self, text: &str) -> String {
        let line = format!("> {text}");
        self.screen.wait_until(&line, |screen| screen.trim_end().ends_with(line.trim_end()))
    }

    /// Waits for `shown` and then a prompt with this text in the line.
    #[track_caller]
    pub fn wait_for_return(&mut self, shown: &str, text: &str) -> String {
        self.screen.wait_for(shown);
        self.wait_for_line(text)
    }

    /// Types a line and Enter.
    pub fn enter(&mut self, line: &str) {
        self.screen.type_keys(format!("{line}\r"));
    }

    /// Types a line and Enter, and returns the screen once `shown` and the next prompt are
    /// on it.
    #[track_caller]
    pub fn say(&mut self, line: &str, shown: &str) -> String {
        self.enter(line);
        self.screen.wait_until(shown, |screen| {
            screen.contains(shown) && screen.trim_end().ends_with("\n>")
        })
    }

    /// Ends the conversation with Ctrl-D, which must be a success. Returns the screen.
    #[track_caller]
    pub fn end(mut self) -> String {
        self.screen.type_keys("\x04");
        let (status, screen) = self.screen.end();
        assert_eq!(status.code(), Some(0), "{screen}");
        screen
    }
}
