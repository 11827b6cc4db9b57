//! What goes to stdout, stderr and output files.

use std::fs::{self};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::support::server::{Server, answer, chunk, events, gate, stream_head};
use crate::support::terminal::Terminal;
use crate::support::{
    DONE, ask, ask_mock, batch, finish, full_device, gravix, run, shell, strace, token,
};

#[test]
fn a_reply_is_printed_exactly_with_one_newline_at_its_end() {
    for (text, printed) in
        [("4", "4\n"), ("4\n", "4\n"), ("a\r\n\u{1b}[1m\u{0}é", "a\r\n\u{1b}[1m\u{0}é\n")]
    {
        run(&mut ask(&Server::replying(&[text]), &["hi"])).exits(0).prints(printed).says_nothing();
        let streamed = Server::once(events(&[token(text), DONE.to_owned()]));
        run(&mut ask(&streamed, &["--stream", "hi"])).exits(0).prints(printed).says_nothing();
    }
}

#[test]
fn each_token_is_printed_as_it_arrives() {
    let (go_on, wait) = gate();
    let script = vec![stream_head(), chunk(token("one ")), wait, chunk(token("two")), chunk(DONE)];
    let server = Server::once(script);
    let mut child =
        ask(&server, &["--stream", "hi"]).stdout(Stdio::piped()).spawn().expect("gravix starts");
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let mut first = [0; 4];
    stdout.read_exact(&mut first).expect("gravix prints the first token");
    assert_eq!(&first, b"one ");
    go_on.send(()).expect("the server is waiting");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("gravix prints the rest");
    assert_eq!(rest, "two\n");
    assert!(child.wait().expect("gravix ends").success());
}

#[test]
fn a_pipe_gets_only_complete_replies() {
    let server = Server::once(vec![stream_head(), chunk(token("half "))]);
    run(&mut ask(&server, &["hi"])).exits(75).prints("").says(&[]);
}

#[test]
fn a_terminal_gets_a_stream_unless_it_is_turned_off() {
    for (arguments, streams) in [(&["hi"][..], true), (&["hi", "--no-stream"], false)] {
        let server = Server::once(events(&[token("hey"), DONE.to_owned()]));
        let terminal = Terminal::open();
        let status =
            ask(&server, arguments).stdout(terminal.stream()).status().expect("gravix runs");
        assert!(status.success());
        assert_eq!(terminal.read_to_end(), "hey\r\n");
        assert_eq!(
            server.request().json()["stream"],
            if streams { true.into() } else { serde_json::Value::Null }
        );
    }
}

#[test]
fn control_characters_are_escaped_on_a_terminal_unless_raw() {
    // The escape sequence is split between two tokens.
    let tokens = [token("\u{1b}"), token("[31mred\u{9b}0m\u{7}\tx"), DONE.to_owned()];
    for (arguments, shown) in [
        (&["hi"][..], "^[[31mred<U+009B>0m^G x\r\n"),
        (&["hi", "--markdown=never"], "^[[31mred<U+009B>0m^G\tx\r\n"),
        (&["hi", "--raw"], "\u{1b}[31mred\u{9b}0m\u{7}\tx\r\n"),
    ] {
        let server = Server::once(events(&tokens));
        let terminal = Terminal::open();
        ask(&server, arguments).stdout(terminal.stream()).status().expect("gravix runs");
        assert_eq!(terminal.read_to_end(), shown);
    }
}

#[test]
fn server_messages_are_escaped_on_one_line_of_stderr() {
    let body = r#"{"error":{"message":"bad\u001b[2J\nthing\u009b"}}"#;
    let server = Server::once(answer("400 Bad Request", "application/json", body));
    let run =
        run(&mut ask(&server, &["hi"])).exits(69).prints("").says(&["bad^[[2J thing<U+009B>"]);
    assert!(!run.stderr.contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_ends_gravix_quietly_by_sigpipe() {
    let script = format!(
        "{} ask -n --base-url mock: --stream one two three | head -c 1; echo \" ${{PIPESTATUS[0]}}\"",
        env!("CARGO_BIN_EXE_gravix")
    );
    run(&mut shell("bash", &script)).exits(0).prints("o 141\n").says_nothing();
}

#[test]
fn a_closed_pipe_kills_gravix_by_sigpipe() {
    let (reader, writer) = std::io::pipe().expect("a pipe is created");
    drop(reader);
    ensure_dies_quietly(ask_mock(&["hi"]).stdout(writer), Signal::SIGPIPE);
    let (reader, writer) = std::io::pipe().expect("a pipe is created");
    drop(reader);
    ensure_dies_quietly(gravix().arg("--help").stdout(writer), Signal::SIGPIPE);
}

#[track_caller]
fn ensure_dies_quietly(command: &mut std::process::Command, signal: Signal) {
    let output = command.stderr(Stdio::piped()).spawn().expect("gravix starts").wait_with_output();
    let output = output.expect("gravix ends");
    assert_eq!(output.status.signal(), Some(signal as i32), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_full_stdout_exits_74() {
    for arguments in [&["hi"][..], &["hi", "--stream"]] {
        let full = full_device();
        let child =
            ask_mock(arguments).stdout(full).stderr(Stdio::piped()).spawn().expect("gravix starts");
        let output = finish(child);
        assert_eq!(output.status.code(), Some(74), "{output:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "gravix: cannot write standard output: no space left on device\n"
        );
    }
    let full = full_device();
    let status = gravix().arg("--help").stdout(full).stderr(Stdio::null()).status();
    assert_eq!(status.expect("gravix runs").code(), Some(74));
}

#[test]
fn an_output_file_holds_the_whole_reply_and_stdout_stays_empty() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("reply.txt");
    for arguments in [&["one"][..], &["--stream", "two"]] {
        run(ask_mock(arguments).arg("-o").arg(&file)).exits(0).prints("").says_nothing();
    }
    assert_eq!(fs::read_to_string(&file).expect("the output file is readable"), "two\n");
    assert_eq!(fs::read_dir(directory.path()).expect("the directory is readable").count(), 1);
}

#[test]
fn an_incomplete_reply_leaves_the_output_file_unchanged() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("reply.txt");
    fs::write(&file, "old").expect("the file is written");
    let server = Server::once(vec![stream_head(), chunk(token("half "))]);
    run(ask(&server, &["hi", "--stream", "-o"]).arg(&file)).exits(75).prints("");
    assert_eq!(fs::read_to_string(&file).expect("the output file is readable"), "old");
    assert_eq!(fs::read_dir(directory.path()).expect("the directory is readable").count(), 1);
}

#[test]
fn an_output_file_keeps_its_mode_and_its_links() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let (file, link) = (directory.path().join("file"), directory.path().join("link"));
    fs::write(&file, "old").expect("the file is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("the mode is set");
    std::os::unix::fs::symlink(&file, &link).expect("the link is created");
    run(ask_mock(&["new", "-o"]).arg(&link)).exits(0);
    assert_eq!(fs::read_to_string(&file).expect("the output file is readable"), "new\n");
    assert_eq!(fs::metadata(&file).expect("the file exists").permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).expect("the link exists").is_symlink());
}

#[test]
fn an_output_file_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let server = Server::new(vec![]);
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    for path in ["/nowhere/x".as_ref(), directory.path()] {
        run(ask(&server, &["hi", "-o"]).arg(path)).exits(73).prints("").says(&["cannot write"]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_device_as_output_file_is_written_and_stays_a_device() {
    use std::os::unix::fs::FileTypeExt;
    run(&mut ask_mock(&["hi", "-o", "/dev/null"])).exits(0).prints("").says_nothing();
    assert!(fs::metadata("/dev/null").expect("/dev/null exists").file_type().is_char_device());
    // The reply has been paid for: it goes to stdout.
    run(&mut ask_mock(&["hi", "-o", "/dev/full"])).exits(73).prints("hi\n").says(&["/dev/full"]);
}

#[test]
fn an_output_file_can_be_a_pipe() {
    run(&mut ask_mock(&["hi", "-o", "-"])).exits(0).prints("hi\n").says_nothing();
    run(&mut ask_mock(&["hi", "-o", "/dev/stdout"])).exits(0).prints("hi\n").says_nothing();
}

#[test]
fn a_file_behind_a_descriptor_is_written_and_not_replaced() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("log");
    for target in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let script = format!(
            "{{ echo before; {} ask -n --base-url mock: -o {target} new; echo after; }} >> {}",
            env!("CARGO_BIN_EXE_gravix"),
            file.display()
        );
        fs::write(&file, "old\n").expect("the file is written");
        run(&mut shell("sh", &script)).exits(0).says_nothing();
        let log = fs::read_to_string(&file).expect("the log is readable");
        assert_eq!(log, "old\nbefore\nnew\nafter\n", "{target}");
    }
}

#[test]
fn an_empty_reply_replaces_no_file() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("reply.txt");
    fs::write(&file, "precious").expect("the file is written");
    run(ask(&Server::replying(&[""]), &["hi", "-o"]).arg(&file))
        .exits(3)
        .prints("")
        .says(&["no text"]);
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), "precious");
}

#[test]
fn quiet_drops_warnings_and_keeps_errors() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("chat.jsonl");
    fs::write(&file, "").expect("the file is written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("the mode is set");
    run(ask_mock(&["hi", "--history"]).arg(&file)).exits(0).says(&["warning", "others can read"]);
    run(ask_mock(&["hi", "-q", "--history"]).arg(&file)).exits(0).says_nothing();
    run(&mut ask_mock(&["-q", ""])).exits(2).says(&["empty"]);
}

#[test]
fn a_file_is_synced_before_it_replaces_another() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let path = directory.path().join("reply.txt");
    let results = directory.path().join("results.jsonl");
    let result = "{\"custom_id\":\"a\",\"response\":null,\"error\":{}}\n";
    fs::write(&results, result).expect("the file is written");
    let mut to_file = ask_mock(&["new"]);
    to_file.arg("-o").arg(&path);
    let mut merged = batch("mock:", &["--merge"]);
    merged.arg(&results).arg("-o").arg(&path);
    for command in [to_file, merged] {
        fs::write(&path, "old").expect("the file is written");
        let faults = ["-e".to_owned(), "inject=fsync:error=EIO".to_owned()];
        let Some(mut command) = strace(&command, &faults) else {
            return;
        };
        run(&mut command).exits(73);
        assert_eq!(fs::read_to_string(&path).expect("the file is readable"), "old");
    }
}
