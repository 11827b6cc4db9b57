//! The key of `gravix shell-init`, pressed in each shell.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::server::{Server, Step};
use crate::support::service::{Reply, Service};
use crate::support::shell_screen::{Shell, ShellScreen};
use crate::support::{full_device, gravix, run};

const ALT_G: &str = "\u{1b}g";

const CTRL_C: &str = "\u{3}";

/// A shell with the key, whose gravix asks a server.
struct KeyShell {
    shell: Shell,
    screen: ShellScreen,
    home: TempDir,
}

impl KeyShell {
    /// `None` without such a shell. `options` are those of `shell-init`.
    fn start(shell: Shell, base_url: &str, options: &str) -> Option<Self> {
        let name = shell.name();
        // Options that scripts have to cope with.
        let (strange, init) = match shell {
            Shell::Bash => ("set -u", format!("eval \"$(gravix shell-init {name} {options})\"")),
            Shell::Zsh => (
                "setopt no_unset ksh_arrays sh_word_split glob_subst; TRAPINT() { return 130 }",
                format!("eval \"$(gravix shell-init {name} {options})\""),
            ),
            Shell::Fish => ("", format!("gravix shell-init {name} {options} | source")),
        };
        let commands = format!("export GRAVIX_BASE_URL={base_url}\n{strange}\n{init}\n{init}");
        let home = tempfile::tempdir().expect("a temporary directory is created");
        let screen = ShellScreen::start_with(shell, home.path(), &commands)?;
        Some(Self { shell, screen, home })
    }

    fn all(base_url: &str) -> impl Iterator<Item = Self> {
        Shell::ALL.into_iter().filter_map(move |shell| Self::start(shell, base_url, ""))
    }

    /// Waits until this is the line at the prompt.
    #[track_caller]
    fn wait_for_line(&mut self, line: &str) -> String {
        self.screen.wait_until(line, |text| prompt_line(text) == Some(line))
    }

    fn home(&self) -> &Path {
        self.home.path()
    }
}

/// What stands behind the last prompt, without blanks at the end.
fn prompt_line(screen: &str) -> Option<&str> {
    let line = screen.lines().rev().find_map(|line| line.strip_prefix('>'))?;
    Some(line.strip_prefix(' ').unwrap_or(line).trim_end())
}

#[test]
fn the_key_puts_the_command_into_the_line_and_runs_nothing() {
    let service = Service::new(|_, _| Reply::text("touch ran; echo 'ä"));
    let mut count = 0;
    for mut shell in KeyShell::all(&service.base_url()) {
        count += 1;
        shell.screen.type_keys("say $HOME \"x\"");
        // From the first column of a line that is shorter than the command.
        shell.screen.type_keys(&format!("\u{1}{ALT_G}"));
        shell.wait_for_line("touch ran; echo 'ä");
        assert_eq!(service.prompts(), vec!["say $HOME \"x\""; count]);
        assert!(!shell.home().join("ran").exists());
        // The cursor is at the end, and Enter runs the line.
        shell.screen.type_keys("b'\r");
        shell.screen.wait_until("its output", |text| text.lines().any(|line| line == "äb"));
        assert!(shell.home().join("ran").exists());
        shell.screen.clear();
        shell.screen.type_keys("history | cat\r");
        let history = shell.screen.wait_for("touch ran; echo 'äb'");
        assert!(!history.contains("say $HOME"), "{history}");
        assert_eq!(history.matches("touch ran").count(), 1, "{history}");
    }
}

#[test]
fn the_key_does_nothing_on_an_empty_line() {
    let service = Service::echo();
    for mut shell in KeyShell::all(&service.base_url()) {
        shell.screen.type_keys(&format!("{ALT_G}  {ALT_G}:end"));
        let screen = shell.wait_for_line("  :end");
        assert_eq!(screen.trim_end(), ">   :end");
        assert!(service.seen().is_empty());
    }
}

#[test]
fn a_failure_is_told_and_leaves_the_line_as_it_was() {
    let service = Service::new(|_, _| Reply::new("400 Bad Request", "{\"error\":\"no way\"}"));
    for mut shell in KeyShell::all(&service.base_url()) {
        shell.screen.type_keys("say a");
        shell.screen.type_keys(ALT_G);
        shell.screen.wait_for("gravix: the server answered 400: no way");
        shell.screen.type_keys("b");
        shell.wait_for_line("say ab");
    }
}

#[test]
fn a_prompt_of_two_lines_hides_no_message() {
    let service = Service::new(|_, _| Reply::new("400 Bad Request", "{\"error\":\"no way\"}"));
    for mut shell in KeyShell::all(&service.base_url()) {
        shell.screen.type_keys(match shell.shell {
            Shell::Fish => "function fish_prompt; printf 'up\\n> '; end\r",
            Shell::Bash | Shell::Zsh => "PS1=$'up\\n> '\r",
        });
        shell.screen.wait_until("the prompt", |text| text.contains("\nup\n>"));
        shell.screen.type_keys("say a");
        shell.screen.type_keys(ALT_G);
        shell.screen.wait_for("gravix: the server answered 400: no way");
        shell.screen.type_keys("b");
        let screen = shell.wait_for_line("say ab");
        assert!(screen.contains("gravix: the server answered 400: no way"), "{screen}");
    }
}

#[test]
fn the_wait_is_shown_and_ctrl_c_leaves_the_line_as_it_was() {
    for shell in Shell::ALL {
        let server = Server::once(vec![Step::Stall]);
        let Some(mut shell) = KeyShell::start(shell, &server.base_url(), "") else {
            continue;
        };
        shell.screen.type_keys("say a");
        shell.screen.type_keys(ALT_G);
        server.wait_for_request();
        shell.screen.wait_for("waiting for the reply");
        shell.screen.type_keys(CTRL_C);
        shell.screen.wait_until("no wait", |text| !text.contains("waiting for the reply"));
        shell.screen.type_keys("b");
        let screen = shell.wait_for_line("say ab");
        assert!(!screen.contains("gravix:"), "{screen}");
    }
}

#[test]
fn the_trap_of_bash_is_as_it_was() {
    for trap in ["trap - INT", "trap -- 'echo trapped' SIGINT"] {
        let server = Server::once(vec![Step::Stall]);
        let Some(mut shell) = KeyShell::start(Shell::Bash, &server.base_url(), "") else {
            return;
        };
        shell.screen.type_keys(&format!("{trap}\r"));
        shell.wait_for_line("");
        shell.screen.type_keys("say a");
        shell.screen.type_keys(ALT_G);
        server.wait_for_request();
        shell.screen.type_keys(CTRL_C);
        shell.wait_for_line("say a");
        shell.screen.clear();
        shell.screen.type_keys("trap -p INT; echo en''d\r");
        let screen = shell.screen.wait_until("the end", |text| text.contains("\nend"));
        assert_eq!(screen.contains(trap), trap.contains("trapped"), "{screen}");
    }
}

#[test]
fn another_key_can_be_chosen_in_the_notation_of_the_shell() {
    let service = Service::echo();
    for (shell, key) in [(Shell::Bash, r"'\C-xg'"), (Shell::Zsh, "'^Xg'"), (Shell::Fish, r"'\cxg'")]
    {
        let options = format!("--key {key}");
        let Some(mut shell) = KeyShell::start(shell, &service.base_url(), &options) else {
            continue;
        };
        shell.screen.type_keys("`say a`");
        shell.screen.type_keys("\u{18}g");
        shell.wait_for_line("say a");
    }
}

#[test]
fn a_key_is_quoted_for_the_shell() {
    for (shell, key, line) in [
        ("bash", "a\"'$(x)", r#"bind -m emacs-standard -x '"a\"'\''$(x)": __gravix_suggest'"#),
        ("zsh", "-a'$(x)", r"bindkey -M emacs -- '-a'\''$(x)' __gravix_suggest"),
        ("fish", "\\e'$(x)", r"set -l key (string unescape -- '\\e\'$(x)')"),
    ] {
        let run = run(gravix().args(["shell-init", shell, "--key", key])).exits(0).says_nothing();
        let script = String::from_utf8(run.stdout).expect("the script is UTF-8");
        assert!(script.lines().any(|found| found.trim() == line), "{script}");
    }
}

#[test]
fn what_is_no_shell_or_key_is_refused() {
    for arguments in [&[][..], &["ksh"], &["bash", "--key"], &["bash", "-p", "mock"]] {
        run(gravix().arg("shell-init").args(arguments)).exits(2).prints("").says(&["shell-init"]);
    }
    for key in ["", "a\nb", "\u{1b}g", "\u{7f}"] {
        run(gravix().args(["shell-init", "zsh", "--key", key]))
            .exits(2)
            .prints("")
            .says(&["--key"]);
    }
    let mut command = gravix();
    run(command.args(["shell-init", "zsh"]).stdout(full_device())).exits(74);
}

#[test]
fn a_shell_without_a_line_to_edit_binds_nothing() {
    for shell in Shell::ALL {
        let script = run(gravix().args(["shell-init", shell.name()])).exits(0).stdout;
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let file = directory.path().join("script");
        fs::write(&file, script).expect("the file is written");
        let mut command = crate::support::program(shell.name());
        command.env("PATH", "/usr/bin:/bin").env("HOME", directory.path()).arg(&file);
        if command.status().is_ok() {
            run(&mut command).exits(0).prints("").says_nothing();
        }
    }
}
