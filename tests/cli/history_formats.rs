//! Histories in other formats, and from pipes.

use std::fs;
use std::path::Path;

use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::{Server, Step, answer, raw};
use crate::support::{Run, ask, ask_mock, completion, gravix, run, shell, skip};

const CONVERSATION: &str =
    r#""conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]"#;

/// The command after ` with ` in a message.
#[track_caller]
fn command_in(message: &str) -> &str {
    message.trim_end().split_once(" with ").expect("there is a command").1
}

#[test]
fn other_formats_get_the_command_that_makes_a_history_of_them() {
    if !Path::new("/usr/bin/jq").exists() {
        skip("jq is not installed");
        return;
    }
    let (user, assistant) = (USER.trim_end(), ASSISTANT.trim_end());
    let system = "{\"role\":\"system\",\"content\":\"s\"}\n";
    let turn = format!("{USER}{ASSISTANT}");
    for (text, history) in [
        (format!("{{\"messages\":[{user},{assistant}]}}\n"), turn.clone()),
        (format!("{{\n  \"messages\": [\n{user},\n{assistant}\n]}}\n"), turn.clone()),
        (format!("[{user},{assistant}]\n"), turn.clone()),
        (format!("[\n  {user},\n  {assistant}\n]\n"), turn.clone()),
        (format!("{USER}[{assistant}]\n"), turn.clone()),
        ("{\n\"role\":\"user\",\n\"content\":\"a\"}\n".to_owned(), USER.to_owned()),
        (format!("{{{CONVERSATION}}}\n"), turn.clone()),
        (format!("{{\"id\":1,{CONVERSATION},\"system\":\"s\"}}\n"), format!("{system}{turn}")),
        ("{\"from\":\"human\",\"value\":\"a\"}\n".to_owned(), USER.to_owned()),
    ] {
        let (directory, _) = chat_file();
        let file = directory.path().join("it's a chat.jsonl");
        fs::write(&file, &text).expect("the file is written");
        for turns in [&[][..], &["--turns", "1"]] {
            let mut command = ask_mock(&["-n", "hi", "-q", "--history"]);
            let refused = run(command.arg(&file).args(turns)).exits(65).prints("");
            assert!(!refused.stderr.contains("history repair"), "{}", refused.stderr);
            let mut converter = shell("sh", command_in(&refused.stderr));
            run(&mut converter).exits(0).prints(&history).says_nothing();
            assert_eq!(fs::read_to_string(&file).expect("the file is readable"), text);
        }
        let mut check = gravix();
        let checked = run(check.args(["history", "check"]).arg(&file)).exits(65);
        let report = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(report.contains("; make a history of it with jq -c "), "{report}");
        assert!(!checked.stderr.contains("history repair"), "{}", checked.stderr);
        let has_messages = text.starts_with(USER);
        let mut repair = gravix();
        let repaired = run(repair.args(["history", "repair"]).arg(&file));
        if !has_messages {
            let refused = repaired.exits(65).prints("").says(&["make a history of it with jq"]);
            assert_eq!(fs::read_to_string(&file).expect("the file is readable"), text);
            drop(refused);
        }
    }
}

#[test]
fn a_history_in_utf_16_is_neither_torn_nor_moved() {
    let units = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let texts = [
        format!("\u{feff}{USER}{ASSISTANT}"),
        "\u{feff}{\"role\":\"user\"}".to_owned(),
        USER.to_owned(),
    ];
    for content in texts.map(|text| units(&text)) {
        let (directory, file) = chat_file();
        fs::write(&file, &content).expect("the file is written");
        for turns in [&[][..], &["--turns", "1"]] {
            let mut command = ask_mock(&["-n", "hi", "-q", "--history"]);
            let run = run(command.arg(&file).args(turns)).exits(65).prints("");
            run.says(&["chat.jsonl:1: ", "looks like UTF-16", "iconv -f UTF-16 -t UTF-8 /"]);
        }
        for command in ["show", "undo", "repair"] {
            run(gravix().args(["history", command]).arg(&file)).exits(65).says(&["iconv"]);
        }
        let checked = run(gravix().args(["history", "check"]).arg(&file)).exits(65);
        assert!(String::from_utf8_lossy(&checked.stdout).contains("iconv -f UTF-16"));
        assert_eq!(fs::read(&file).expect("the file is readable"), content);
        assert_eq!(fs::read_dir(directory.path()).expect("it is readable").count(), 1);
    }
}

/// Runs gravix in bash with the history in `file` from a process substitution.
#[track_caller]
fn substituted(arguments: &str, file: &Path) -> Run {
    let gravix = env!("CARGO_BIN_EXE_gravix");
    run(&mut shell("bash", &format!("{gravix} {arguments} <(cat {})", file.display())))
}

#[test]
fn a_pipe_is_a_history_that_is_only_read() {
    let (_directory, file) = chat_file();
    fs::write(&file, format!("{USER}{ASSISTANT}{USER}{ASSISTANT}")).expect("the file is written");
    let server = Server::replying(&["one", "two"]);
    let ask = format!("ask hi -n --base-url {}", server.base_url());
    let history = |more: &str| format!("{ask} {more} --history");
    substituted(&history("--no-save"), &file).exits(0).prints("one\n").says_nothing();
    substituted(&history("--no-save --turns 1"), &file).exits(0).prints("two\n").says_nothing();
    let sent = server.requests();
    let count = |index: usize| sent[index].json()["messages"].as_array().map(Vec::len);
    assert_eq!((count(0), count(1)), (Some(5), Some(3)));
    substituted(&history(""), &file)
        .exits(73)
        .prints("")
        .says(&["it is a pipe, not a file", "use --no-save"]);
    assert_eq!(server.requests().len(), 2);
    let shown = substituted("history show", &file).exits(0).says_nothing();
    assert!(shown.stdout.starts_with(b"user:\na\n"));
    let checked = substituted("history check", &file).exits(0).says_nothing();
    assert!(String::from_utf8_lossy(&checked.stdout).contains("2 turns, 4 messages"));
    for command in ["undo", "repair"] {
        substituted(&format!("history {command}"), &file).exits(73).says(&["it is a pipe"]);
    }
}

#[test]
fn a_pipe_is_sent_again_when_the_server_was_busy() {
    let (_directory, file) = chat_file();
    fs::write(&file, USER).expect("the file is written");
    let busy = raw("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
    let server =
        Server::new(vec![vec![busy, Step::End], answer("200 OK", "a/b", completion("ok"))]);
    let ask = format!("ask hi -q -n --base-url {} --no-save --history", server.base_url());
    substituted(&ask, &file).exits(0).prints("ok\n");
    let sent = server.requests();
    assert_eq!(sent[0].body, sent[1].body);
}

#[test]
fn standard_input_is_a_history_or_a_prompt_but_not_both() {
    let (_directory, file) = chat_file();
    fs::write(&file, USER).expect("the file is written");
    let piped = |arguments: &str| {
        let gravix = env!("CARGO_BIN_EXE_gravix");
        let script = format!(
            "cat {} | {gravix} ask --base-url mock: hi {arguments} /dev/stdin",
            file.display()
        );
        run(&mut shell("sh", &script))
    };
    piped("--no-save -n --history").exits(0).prints("hi\n").says_nothing();
    piped("--no-save --history").exits(2).prints("").says(&["--history is standard input", "-n"]);
    piped("--system-file").exits(2).prints("").says(&["--system-file is standard input", "-n"]);
}

#[test]
fn what_cannot_be_a_history_is_called_by_its_kind() {
    let (directory, _) = chat_file();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("the FIFO is created");
    let server = Server::replying(&[]);
    for (path, reason) in [
        (fifo.as_path(), "it is a FIFO, not a file"),
        (directory.path(), "is a directory"),
        (Path::new("/dev/zero"), "it is a device, not a file"),
    ] {
        for (save, status) in [(&[][..], 73), (&["--no-save"], 66)] {
            let mut command = ask(&server, &["hi", "--history"]);
            run(command.arg(path).args(save)).exits(status).prints("").says(&[reason]);
        }
    }
    assert!(server.requests().is_empty());
}
