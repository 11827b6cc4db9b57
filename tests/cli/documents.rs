//! Help, completions and man pages match the command line.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::CommandFactory;
use clap_complete::Shell;

use gravix::cli;

use crate::support::man_page::page;
use crate::support::terminal::Terminal;
use crate::support::{gravix, run};

const SHELLS: &[(&str, &str)] = &[
    ("bash", "gravix.bash"),
    ("zsh", "_gravix"),
    ("fish", "gravix.fish"),
    ("powershell", "_gravix.ps1"),
    ("elvish", "gravix.elv"),
];

/// The scripts that clap generates. The others ask gravix.
const GENERATED: &[(Shell, &str)] =
    &[(Shell::PowerShell, "_gravix.ps1"), (Shell::Elvish, "gravix.elv")];

/// The names of the commands, but for that of clap's help.
fn commands() -> Vec<String> {
    let names: Vec<String> = cli::Args::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    assert!(names.contains(&"ask".to_owned()), "{names:?}");
    names
}

/// The arguments that ask for the help of gravix, and of each command.
fn helps(option: &str) -> Vec<Vec<String>> {
    let of_commands = commands().into_iter().map(|command| vec![command, option.to_owned()]);
    [vec![option.to_owned()]].into_iter().chain(of_commands).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Compares a committed file with the generated text; with `UPDATE=1` in the
/// environment, writes it first.
#[track_caller]
fn ensure_current(path: &Path, generated: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, generated).expect("the file can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "{} differs from what src/cli/ says: run UPDATE=1 cargo test",
        path.display()
    );
}

#[test]
fn claps_own_checks_pass() {
    cli::Args::command().debug_assert();
}

#[test]
fn completions_match_the_command_line() {
    for (shell, name) in GENERATED {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut cli::Args::command(), "gravix", &mut script);
        let script = String::from_utf8(script).expect("the script is UTF-8");
        ensure_current(&root().join("completions").join(name), &script);
    }
}

#[test]
fn man_pages_match_the_command_line() {
    let mut command = cli::Args::command();
    command.build();
    let man = root().join("man");
    ensure_current(&man.join("gravix.1"), &page(command.clone(), cli::EXAMPLES));
    let is_own = |command: &&clap::Command| command.get_name() != "help";
    for subcommand in command.get_subcommands().filter(is_own) {
        let name = format!("gravix-{}", subcommand.get_name());
        let examples = subcommand.get_before_help().expect("the command has examples").to_string();
        let subcommand = subcommand.clone().display_name(&name).version(env!("CARGO_PKG_VERSION"));
        ensure_current(&man.join(format!("{name}.1")), &page(subcommand, &examples));
    }
}

#[test]
fn the_program_prints_the_committed_files() {
    if std::env::var_os("UPDATE").is_some() {
        // The binary embeds the files from before the update.
        return;
    }
    for (shell, name) in SHELLS {
        let script =
            std::fs::read(root().join("completions").join(name)).expect("the script is readable");
        run(gravix().args(["completions", shell])).exits(0).prints(script);
    }
    let pages = commands().into_iter().map(|command| format!("gravix-{command}"));
    for name in ["gravix".to_owned()].into_iter().chain(pages) {
        let page = std::fs::read(root().join("man").join(format!("{name}.1")))
            .expect("the page is readable");
        run(gravix().args(["man", &name])).exits(0).prints(page);
    }
}

#[test]
fn a_page_has_the_name_of_its_command_too() {
    let page = std::fs::read(root().join("man/gravix-ask.1")).expect("the page is readable");
    run(gravix().args(["man", "ask"])).exits(0).prints(page);
    let run = run(gravix().args(["man", "aks"])).exits(2).prints("");
    run.says(&["no page 'aks'", "gravix-ask, gravix-chat"]);
}

#[test]
fn short_help_fits_a_screen_of_40_lines_and_80_columns() {
    for arguments in helps("-h") {
        let help = run(gravix().args(arguments)).exits(0).says_nothing().stdout;
        let help = String::from_utf8(help).expect("help is UTF-8");
        assert!(help.lines().count() <= 40, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }
}

#[test]
fn long_help_keeps_to_80_columns() {
    for arguments in helps("--help") {
        let help = run(gravix().args(arguments)).exits(0).says_nothing().stdout;
        let help = String::from_utf8(help).expect("help is UTF-8");
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn help_opens_with_examples() {
    for arguments in [&["ask", "--help"][..], &["ask", "-h"], &["--help"], &["models", "-h"]] {
        let help = run(gravix().args(arguments)).exits(0).stdout;
        let help = String::from_utf8(help).expect("help is UTF-8");
        let examples = help.find("Examples:").expect("help has examples");
        assert!(examples < help.find("Usage:").expect("help has a usage line"), "{help}");
    }
    let help = run(&mut gravix()).exits(2).prints("");
    assert!(help.stderr.contains("Examples:"), "{}", help.stderr);
}

#[test]
fn a_misspelt_option_gets_a_suggestion() {
    run(gravix().args(["ask", "--strem"])).exits(2).prints("").says(&["did you mean --stream?"]);
    run(gravix().args(["modles"])).exits(2).prints("").says(&["did you mean gravix models?"]);
}

#[test]
fn a_bare_prompt_gets_a_command_as_a_hint() {
    run(gravix().arg("what is 2+2?")).exits(2).prints("").says(&["gravix ask 'what is 2+2?'\n"]);
}

#[test]
fn gravix_alone_prints_help_on_a_terminal_and_is_a_mistake_elsewhere() {
    let help = run(gravix().arg("-h")).exits(0).stdout;
    let help = String::from_utf8(help).expect("help is UTF-8");
    let terminal = Terminal::open();
    let status = gravix().stdout(terminal.stream()).stderr(Stdio::piped()).output();
    let output = status.expect("gravix starts");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert_eq!(terminal.read_to_end().replace("\r\n", "\n"), help);
    // A terminal on the other streams makes no difference.
    let terminal = Terminal::open();
    let mut command = gravix();
    command.stdin(terminal.stream()).stderr(terminal.stream());
    let output = command.output().expect("gravix starts");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    drop(command);
    assert!(terminal.read_to_end().ends_with("gravix: no command given\r\n"));
    // A command that needs another one says so in any case.
    let terminal = Terminal::open();
    let output = gravix().arg("history").stdout(terminal.stream()).stderr(Stdio::piped()).output();
    assert_eq!(output.expect("gravix starts").status.code(), Some(2));
}
