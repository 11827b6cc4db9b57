//! `gravix history show` with Markdown in the replies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::terminal::Terminal;
use crate::support::{gravix, run};

const CONVERSATION: &str = "{\"role\":\"user\",\"content\":\"run **it** in *x*\"}\n\
    {\"role\":\"assistant\",\"content\":\"# Yes\\n**it** runs\\u001b[31m\"}\n";

fn history(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    fs::write(&file, text).expect("the file is written");
    (directory, file)
}

fn show(file: &Path) -> Command {
    let mut command = gravix();
    command.args(["history", "show"]).arg(file).env("TERM", "xterm");
    command
}

/// What `command` writes to a terminal of 80 columns and so many rows.
fn written(mut command: Command, rows: u16) -> String {
    let terminal = Terminal::with_rows(rows, 80);
    let status = command.stdout(terminal.stream()).status().expect("gravix runs");
    assert!(status.success());
    drop(command);
    terminal.read_to_end().replace("\r\n", "\n")
}

const RENDERED: &str = "\u{1b}[1;4;36mYes\u{1b}[0m\n\u{1b}[1mit\u{1b}[0m runs^[[31m\n";

#[test]
fn replies_are_rendered_on_a_terminal_and_prompts_stay_as_they_are() {
    let (_directory, file) = history(CONVERSATION);
    let (user, assistant) = ("\u{1b}[1muser:\u{1b}[0m", "\u{1b}[1massistant:\u{1b}[0m");
    let rendered = format!("{user}\nrun **it** in *x*\n\n{assistant}\n{RENDERED}");
    assert_eq!(written(show(&file), 24), rendered);
    for (option, reply) in [
        ("--markdown=never", "# Yes\n**it** runs^[[31m\n"),
        ("--raw", "# Yes\n**it** runs\u{1b}[31m\n"),
    ] {
        let mut command = show(&file);
        command.arg(option);
        let shown = written(command, 24);
        assert!(shown.ends_with(reply), "{option}: {shown}");
    }
}

#[test]
fn a_pipe_gets_the_source_unless_markdown_is_asked_for() {
    let (_directory, file) = history(CONVERSATION);
    let source = "user:\nrun **it** in *x*\n\nassistant:\n# Yes\n**it** runs\u{1b}[31m\n";
    run(&mut show(&file)).exits(0).prints(source);
    let shown = run(show(&file).arg("--markdown")).exits(0).stdout;
    let shown = String::from_utf8(shown).expect("UTF-8");
    assert!(shown.ends_with(RENDERED), "{shown}");
    run(show(&file).args(["--markdown", "--document"])).exits(2).says(&["--document"]);
}

#[test]
fn a_pager_that_is_less_is_told_to_show_styles() {
    let (_directory, file) = history(CONVERSATION);
    for (less, told) in [(None, "FR"), (Some("X"), "X")] {
        let mut command = show(&file);
        command.env("PATH", "/usr/bin:/bin").env("PAGER", "cat; echo \"LESS=$LESS\"");
        less.map(|less| command.env("LESS", less));
        let shown = written(command, 3);
        assert!(shown.contains(RENDERED), "{shown}");
        assert!(shown.ends_with(&format!("LESS={told}\n")), "{shown}");
    }
}
