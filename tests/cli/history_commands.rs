//! `gravix history`: show, check, repair and undo.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::terminal::Terminal;
use crate::support::{Run, ask_mock, full_device, gravix, run};

const SYSTEM: &str = "{\"role\":\"system\",\"content\":\"Be brief.\"}\n";

const USER: &str = "{\"role\":\"user\",\"content\":\"one\\u001b[31m\"}\n";

const ASSISTANT: &str = "{\"role\":\"assistant\",\"content\":\"two\\n\\nthree\"}\n";

fn history(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    fs::write(&file, text).expect("the file is written");
    (directory, file)
}

#[track_caller]
fn run_history(arguments: &[&str], file: &PathBuf) -> Run {
    run(gravix().arg("history").args(arguments).arg(file))
}

#[test]
fn show_prints_the_exact_conversation_on_a_pipe() {
    let long = "word ".repeat(60);
    let line = format!("{{\"role\":\"user\",\"content\":\"{long}\"}}\n");
    let (_directory, file) = history(format!("{SYSTEM}{USER}{ASSISTANT}{line}"));
    let shown = format!(
        "system:\nBe brief.\n\nuser:\none\u{1b}[31m\n\nassistant:\ntwo\n\nthree\n\nuser:\n{long}\n"
    );
    run_history(&["show"], &file).exits(0).prints(shown).says_nothing();
    let newest = format!("system:\nBe brief.\n\nuser:\n{long}\n");
    run_history(&["show", "--last", "1"], &file).exits(0).prints(newest).says_nothing();
}

#[test]
fn show_escapes_control_characters_and_uses_bold_on_a_terminal() {
    let (_directory, file) = history(USER);
    let bold = "\u{1b}[1muser:\u{1b}[0m";
    for (term, heading) in [("dumb", "user:"), ("xterm", bold)] {
        let terminal = Terminal::open();
        let mut command = gravix();
        command.args(["history", "show"]).arg(&file).stdout(terminal.stream());
        command.env("TERM", term).env("NO_COLOR", "1");
        assert!(command.status().expect("gravix runs").success());
        // The command still holds a descriptor of the terminal.
        drop(command);
        assert_eq!(terminal.read_to_end(), format!("{heading}\r\none^[[31m\r\n"));
    }
}

#[test]
fn show_pages_what_does_not_fit_the_terminal() {
    let (_directory, file) = history(ASSISTANT.repeat(30));
    let terminal = Terminal::open();
    let mut command = gravix();
    command.args(["history", "show"]).arg(&file).stdout(terminal.stream());
    command.env("PATH", "/usr/bin:/bin").env("NO_COLOR", "1").env("PAGER", "sed s/^/paged:/");
    assert!(command.status().expect("gravix runs").success());
    drop(command);
    let shown = terminal.read_to_end();
    assert_eq!(shown.matches("paged:assistant:").count(), 30, "{shown}");
}

#[test]
fn show_succeeds_when_the_pager_quits_early() {
    let (_directory, file) = history(ASSISTANT.repeat(20_000));
    let terminal = Terminal::open();
    let mut command = gravix();
    command.args(["history", "show"]).arg(&file).stdout(terminal.stream());
    command.env("PATH", "/usr/bin:/bin").env("PAGER", "head -n 1");
    assert!(command.status().expect("gravix runs").success());
}

#[test]
fn show_works_without_a_pager() {
    let (_directory, file) = history(ASSISTANT.repeat(30));
    let terminal = Terminal::open();
    let mut command = gravix();
    command.args(["history", "show"]).arg(&file).stdout(terminal.stream());
    command.env("PATH", "/nowhere").env("NO_COLOR", "1");
    assert!(command.status().expect("gravix runs").success());
    drop(command);
    assert_eq!(terminal.read_to_end().matches("assistant:").count(), 30);
    // A pager that was asked for must exist.
    let terminal = Terminal::open();
    let mut command = gravix();
    command.args(["history", "show"]).arg(&file).stdout(terminal.stream());
    command.env("PATH", "/usr/bin:/bin").env("PAGER", "/nowhere/pager 2> /dev/null");
    run(command.stdout(terminal.stream())).exits(78).says(&["$PAGER"]);
}

#[test]
fn turns_can_be_added_while_a_history_is_shown() {
    let (_directory, file) = history(ASSISTANT.repeat(30));
    let terminal = Terminal::open();
    let mut command = gravix();
    command.args(["history", "show"]).arg(&file).stdout(terminal.stream());
    // The pager runs until the test writes to the FIFO.
    let script = format!("cat > /dev/null; touch {0}.open; cat {0}.fifo", file.display());
    let fifo = file.with_extension("jsonl.fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("the FIFO is created");
    command.env("PATH", "/usr/bin:/bin").env("PAGER", script);
    let mut child = command.spawn().expect("gravix starts");
    while !file.with_extension("jsonl.open").exists() {
        std::thread::yield_now();
    }
    let mut turn = ask_mock(&["hi", "-q", "--no-wait", "--history"]);
    run(turn.arg(&file)).exits(0).prints("hi\n");
    fs::write(&fifo, "").expect("the pager opens the FIFO");
    assert!(child.wait().expect("gravix ends").success());
}

#[test]
fn check_continues_after_an_unreadable_file() {
    let (directory, file) = history("[]\n");
    let none = directory.path().join("none");
    let mut command = gravix();
    let run =
        run(command.args(["history", "check"]).arg(&none).arg(&file)).exits(66).says(&["none"]);
    assert!(String::from_utf8_lossy(&run.stdout).contains("chat.jsonl:1:"));
}

#[test]
fn check_names_every_invalid_line_and_counts_the_rest() {
    let (_directory, file) =
        history(format!("{SYSTEM}[]\n{USER}\n{ASSISTANT}{{\"role\":1}}\n{{\"torn"));
    let run = run_history(&["check"], &file)
        .exits(65)
        .says(&["3 lines", &format!("gravix history repair {}", file.display())]);
    let report = String::from_utf8(run.stdout).expect("stdout is UTF-8");
    let name = file.display();
    for part in [
        format!("{name}:2: not a message"),
        format!("{name}:6: not a message"),
        format!("{name}:7: torn: not a message"),
        format!("{name}: 1 turn, 3 messages, "),
    ] {
        assert!(report.contains(&part), "{part}\n{report}");
    }
    assert_eq!(report.lines().count(), 4, "{report}");
    let (_directory, good) = history(format!("{USER}{ASSISTANT}"));
    let bytes = USER.len() + ASSISTANT.len();
    let counts = format!("{}: 1 turn, 2 messages, {bytes} bytes\n", good.display());
    run_history(&["check"], &good).exits(0).prints(counts).says_nothing();
    for command in ["show", "undo", "repair"] {
        run_history(&[command], &good.with_extension("none"))
            .exits(66)
            .prints("")
            .says(&["cannot read"]);
        run_history(&[command], &PathBuf::from("-")).exits(2).prints("").says(&["./-"]);
    }
    run_history(&["check"], &good.with_extension("none"))
        .exits(66)
        .prints("")
        .says(&["cannot read"]);
}

#[test]
fn repair_moves_bad_lines_and_leaves_the_rest_byte_for_byte() {
    let good =
        [&b"\xef\xbb\xbf"[..], SYSTEM.as_bytes(), b"\r\n", USER.as_bytes(), ASSISTANT.as_bytes()];
    let mixed =
        [good[0], good[1], b"[]\n", good[2], good[3], b"\xff\n", good[4], b"{\"torn"].concat();
    let (_directory, file) = history(mixed);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("the mode is set");
    run_history(&["repair"], &file).exits(0).prints("").says(&[
        "moved 3",
        "chat.jsonl.bad",
        "2, 5, 7",
    ]);
    assert_eq!(fs::read(&file).expect("the file is readable"), good.concat());
    assert_eq!(fs::metadata(&file).expect("the file exists").permissions().mode() & 0o777, 0o640);
    let bad = file.with_extension("jsonl.bad");
    assert_eq!(fs::read(bad).expect("the moved lines are readable"), b"[]\n\xff\n{\"torn\n");
    run_history(&["repair"], &file).exits(0).prints("").says(&["needs no repair"]);
    // Of many lines, only the first are listed.
    let (_directory, bad) = history("[]\n".repeat(500) + USER);
    let run = run_history(&["repair"], &bad).exits(0).says(&["moved 500", "1, 2, 3", "…"]);
    assert!(run.stderr.len() < 300, "{}", run.stderr);
    run_history(&["check"], &file).exits(0);
    assert_eq!(
        fs::read_dir(file.parent().expect("the path has a parent"))
            .expect("the directory is readable")
            .count(),
        2
    );
}

#[test]
fn undo_prints_the_newest_turn_and_removes_it() {
    let (_directory, file) = history(format!("{SYSTEM}{USER}{ASSISTANT}{USER}{ASSISTANT}"));
    for turns in [1, 0] {
        run_history(&["undo"], &file).exits(0).prints(format!("{USER}{ASSISTANT}")).says_nothing();
        let left = format!("{SYSTEM}{}", format!("{USER}{ASSISTANT}").repeat(turns));
        assert_eq!(fs::read_to_string(&file).expect("the file is readable"), left);
    }
    run_history(&["undo"], &file).exits(2).prints("").says(&["no turn to undo"]);
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), SYSTEM);
}

#[test]
fn undo_removes_nothing_that_it_could_not_print() {
    let (_directory, file) = history(format!("{USER}{ASSISTANT}"));
    let full = full_device();
    let mut command = gravix();
    let status = command
        .args(["history", "undo"])
        .arg(&file)
        .stdout(full)
        .stderr(std::process::Stdio::null());
    assert_eq!(status.status().expect("gravix runs").code(), Some(74));
    assert_eq!(
        fs::read_to_string(&file).expect("the file is readable"),
        format!("{USER}{ASSISTANT}")
    );
}

#[test]
fn undo_and_show_send_no_control_characters_to_a_terminal() {
    let line = "{\"role\":\"user\",\"content\":\"a\u{9b}31m\u{7f}b\"}\n";
    let (_directory, file) = history(line.to_owned() + ASSISTANT);
    let shown = |command: &str| {
        let terminal = Terminal::open();
        let mut gravix = gravix();
        gravix.args(["history", command]).arg(&file).stdout(terminal.stream()).env("NO_COLOR", "1");
        assert!(gravix.status().expect("gravix starts").success());
        drop(gravix);
        terminal.read_to_end()
    };
    let show = shown("show");
    assert!(show.contains("a<U+009B>31m^?b"), "{show:?}");
    let undone = shown("undo");
    assert!(!undone.contains(['\u{9b}', '\u{7f}']), "{undone:?}");
    // What is printed still means the same.
    let first = undone.lines().next().expect("the turn is printed");
    let message: serde_json::Value = serde_json::from_str(first).expect("the line is JSON");
    assert_eq!(message["content"], "a\u{9b}31m\u{7f}b");
}
