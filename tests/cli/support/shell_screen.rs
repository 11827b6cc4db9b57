//! An interactive shell on a pseudo-terminal, and what its screen shows.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;

use super::screen::Screen;
use super::{gravix, program, run, skip};

const ROWS: NonZero<u16> = NonZero::new(60).expect("not zero");
const COLUMNS: NonZero<u16> = NonZero::new(100).expect("not zero");

/// A shell that gravix has completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    pub const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// The file that it reads when it starts, in the home directory, and what is in it:
    /// a short prompt, one TAB for all candidates, and what the installation asked for.
    fn start_up(self) -> (&'static str, &'static str) {
        match self {
            Self::Bash => (
                ".bashrc",
                "PS1='> '\n\
                 bind 'set show-all-if-ambiguous on'\n\
                 bind 'set enable-bracketed-paste off'\n\
                 bind 'set page-completions off'\n\
                 bind 'set completion-query-items 0'\n\
                 bind 'set bell-style none'\n\
                 source ~/.local/share/bash-completion/completions/gravix\n",
            ),
            Self::Zsh => (
                ".zshrc",
                "PS1='> '\n\
                 LISTMAX=1000\n\
                 unset zle_bracketed_paste\n\
                 setopt no_auto_menu no_beep\n\
                 fpath=(~/.local/share/zsh/site-functions $fpath)\n\
                 autoload -Uz compinit\n\
                 compinit -u -D\n",
            ),
            Self::Fish => (
                ".config/fish/config.fish",
                "set fish_greeting\n\
                 function fish_prompt; printf '> '; end\n",
            ),
        }
    }

    fn command(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["bash", "--noprofile", "-i"],
            Self::Zsh => &["zsh", "-i"],
            Self::Fish => &["fish", "-i"],
        }
    }
}

/// A running shell. It ends with the test.
pub struct ShellScreen {
    shell: Shell,
    screen: Screen,
}

impl ShellScreen {
    /// Installs the completions and starts `shell`, in the home directory. `None`
    /// without such a shell.
    pub fn start(shell: Shell, home: &Path) -> Option<Self> {
        Self::start_with(shell, home, "")
    }

    /// The same after `commands`, which the shell runs when it starts.
    pub fn start_with(shell: Shell, home: &Path, commands: &str) -> Option<Self> {
        let probe = Command::new(shell.name()).arg("--version").output();
        if !probe.is_ok_and(|probe| probe.status.success()) {
            skip(&format!("{} is not installed", shell.name()));
            return None;
        }
        let screen = Screen::start(&command(shell, home, commands), ROWS, COLUMNS);
        let mut screen = Self { shell, screen };
        screen.wait_until("a prompt", |text| text.trim_end().ends_with('>'));
        Some(screen)
    }

    pub fn type_keys(&mut self, keys: &str) {
        self.screen.type_keys(keys);
    }

    /// Waits until the screen shows `part`, and returns all that it shows.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) -> String {
        self.screen.wait_for(part)
    }

    /// Waits until what the screen shows is as wanted.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, is_wanted: impl Fn(&str) -> bool) -> String {
        self.screen.wait_until(&format!("{what} in {}", self.shell.name()), is_wanted)
    }

    /// Types `line` and TAB, and returns the screen once it shows `expected`. Then
    /// empties the line and the screen.
    #[track_caller]
    pub fn complete(&mut self, line: &str, expected: &str) -> String {
        self.type_keys(&format!("{line}\t"));
        let text = self.wait_for(expected);
        self.clear();
        text
    }

    /// Types `line` and TAB, which must list exactly these candidates. Returns the
    /// screen.
    #[track_caller]
    pub fn list(&mut self, line: &str, expected: &[&str]) -> String {
        self.type_keys(&format!("{line}\t"));
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let text = self.wait_until(&format!("{expected:?}"), |text| candidates(text) == expected);
        self.clear();
        text
    }

    /// Types `line` and TAB, which must not change the screen.
    #[track_caller]
    pub fn complete_nothing(&mut self, line: &str) {
        self.type_keys(&format!("{line}\t:end"));
        let text = self.wait_for(":end");
        assert_eq!(text.trim_end(), format!("> {line}:end"), "{}", self.shell.name());
        self.clear();
    }

    #[track_caller]
    pub fn clear(&mut self) {
        // Ctrl-U empties the line, Ctrl-L the screen.
        self.type_keys("\x15\x0c");
        self.wait_until("an empty line", |text| text.trim_end() == ">");
    }
}

/// `shell` with the completions installed, which runs `commands` when it starts.
fn command(shell: Shell, home: &Path, commands: &str) -> Command {
    run(gravix().args(["completions", "--install", shell.name()]).env("HOME", home)).exits(0);
    let (file, text) = shell.start_up();
    let file = home.join(file);
    fs::create_dir_all(file.parent().expect("it is in the home directory"))
        .expect("the directory is created");
    fs::write(file, format!("{text}{commands}\n")).expect("the file is written");
    let programs = Path::new(env!("CARGO_BIN_EXE_gravix")).parent().expect("a directory");
    let [name, arguments @ ..] = shell.command() else { panic!("a shell has a name") };
    let mut command = program(name);
    command
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("LC_ALL", "C.UTF-8");
    command
}

/// The candidates on a screen, sorted. Those with descriptions are one a line.
fn candidates(screen: &str) -> Vec<&str> {
    let lines = screen.lines().filter(|line| !line.starts_with('>'));
    let mut words: Vec<&str> = lines
        .flat_map(|line| {
            let has_description = line.contains(" -- ") || line.contains("  (");
            line.split_whitespace().take(if has_description { 1 } else { usize::MAX })
        })
        .collect();
    words.sort_unstable();
    words
}
