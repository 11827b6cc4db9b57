//! How --no-save, --turns and --continue use a history.

use std::fs;
use std::process::Stdio;

use crate::support::conversation::{ASSISTANT, USER, chat_file};
use crate::support::server::{Server, Step, answer, gate, raw, stream_head};
use crate::support::{ask, ask_mock, completion, finish, gravix, run, start};

#[test]
fn no_save_sends_the_history_and_appends_nothing() {
    let (_directory, file) = chat_file();
    let text = format!("{USER}{ASSISTANT}{{\"torn");
    fs::write(&file, &text).expect("the file is written");
    let server = Server::replying(&["reply"]);
    let run =
        run(ask(&server, &["hi", "--no-save", "--history"]).arg(&file)).exits(0).prints("reply\n");
    assert!(run.stderr.contains("torn and left out"), "{}", run.stderr);
    assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(3));
    assert_eq!(fs::read_to_string(&file).expect("the file is readable"), text);
}

#[test]
fn no_save_releases_the_lock_once_the_file_is_read() {
    let (_directory, file) = chat_file();
    fs::write(&file, format!("{USER}{ASSISTANT}")).expect("the file is written");
    let (go_on, wait) = gate();
    let slow = Server::once(vec![stream_head(), wait]);
    let mut reading = ask(&slow, &["hi", "-q", "--stream", "--no-save", "--history"]);
    let mut reading = reading.arg(&file).stderr(Stdio::null()).spawn().expect("gravix starts");
    // The lock is held until the answer begins, not until it ends.
    run(ask_mock(&["two", "-q", "--history"]).arg(&file)).exits(0).prints("two\n");
    drop(go_on);
    assert_eq!(reading.wait().expect("gravix ends").code(), Some(75));
}

#[test]
fn no_save_does_not_retry_when_the_file_has_changed() {
    let (_directory, file) = chat_file();
    fs::write(&file, format!("{USER}{ASSISTANT}{USER}{ASSISTANT}")).expect("the file is written");
    let (go_on, wait) = gate();
    let busy = raw("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
    let server = Server::new(vec![vec![wait, busy], answer("200 OK", "a/b", completion("reply"))]);
    let mut asking = ask(&server, &["hi", "-q", "--no-save", "--history"]);
    let asking = start(asking.arg(&file));
    server.wait_for_request();
    // The lock is free again: other processes can change the file.
    run(gravix().args(["history", "undo"]).arg(&file)).exits(0);
    run(ask_mock(&["another", "-q", "--history"]).arg(&file)).exits(0);
    go_on.send(()).expect("the server is waiting");
    let output = finish(asking);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(66), "{output:?}");
    assert!(stderr.contains("chat.jsonl: it changed before it was sent again"), "{stderr}");
    // A second request may have been started, but not completed.
    assert_eq!(server.requests().iter().filter(|request| !request.body.is_empty()).count(), 1);
}

#[test]
fn no_save_retries_with_the_same_body_when_nothing_changed() {
    let (_directory, file) = chat_file();
    fs::write(&file, format!("{USER}{ASSISTANT}")).expect("the file is written");
    let busy = raw("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
    let server =
        Server::new(vec![vec![busy, Step::End], answer("200 OK", "a/b", completion("reply"))]);
    run(ask(&server, &["hi", "-q", "--no-save", "--history"]).arg(&file))
        .exits(0)
        .prints("reply\n");
    let requests = server.requests();
    assert_eq!(requests[0].body, requests[1].body);
}

#[test]
fn turns_sends_the_system_message_and_the_newest_turns() {
    let (_directory, file) = chat_file();
    let system = "{\"role\":\"system\",\"content\":\"S\"}\n";
    let tool = "{\"role\":\"tool\",\"content\":\"t\"}\n";
    fs::write(&file, format!("{system}{USER}{ASSISTANT}{USER}{tool}{ASSISTANT}"))
        .expect("the file is written");
    for (turns, roles) in [
        ("0", &["system", "user"][..]),
        ("1", &["system", "user", "tool", "assistant", "user"]),
        ("9", &["system", "user", "assistant", "user", "tool", "assistant", "user"]),
    ] {
        let server = Server::replying(&["reply"]);
        let mut command = ask(&server, &["hi", "-q", "--no-save", "--turns", turns, "--history"]);
        run(command.arg(&file)).exits(0);
        let sent = server.request().json()["messages"].clone();
        let sent: Vec<_> = sent
            .as_array()
            .expect("messages are an array")
            .iter()
            .map(|m| m["role"].clone())
            .collect();
        assert_eq!(sent, roles, "{turns}");
    }
    run(&mut ask_mock(&["hi", "--turns", "1"])).exits(2).says(&["--history"]);
}

#[test]
fn continue_sends_the_history_unchanged_and_appends_only_the_reply() {
    let (_directory, file) = chat_file();
    fs::write(&file, USER).expect("the file is written");
    let server = Server::replying(&["reply"]);
    run(ask(&server, &["-q", "--continue", "--history"]).arg(&file)).exits(0).prints("reply\n");
    assert_eq!(server.request().json()["messages"].as_array().map(Vec::len), Some(1));
    let saved = fs::read_to_string(&file).expect("the file is readable");
    assert_eq!(saved, format!("{USER}{{\"role\":\"assistant\",\"content\":\"reply\"}}\n"));
    // The history now ends with a reply, so a prompt must come next.
    let server = Server::replying(&[]);
    run(ask(&server, &["-q", "--continue", "--history"]).arg(&file))
        .exits(2)
        .prints("")
        .says(&["ends with an assistant message"]);
    run(ask(&server, &["-q", "--continue", "--history"]).arg(file.with_extension("new")))
        .exits(2)
        .says(&["no message"]);
    let question = file.with_extension("question");
    fs::write(&question, USER).expect("the file is written");
    run(ask(&server, &["-q", "--continue", "--turns", "0", "--history"]).arg(&question))
        .exits(2)
        .says(&["no message"]);
    run(&mut ask(&server, &["--continue"])).exits(2).says(&["--history"]);
    run(ask(&server, &["hi", "--continue", "--history"]).arg(&file)).exits(2).says(&["--continue"]);
    assert!(server.requests().is_empty());
}

#[test]
fn a_developer_message_is_a_system_message() {
    let (_directory, file) = chat_file();
    let developer = "{\"role\":\"developer\",\"content\":\"D\"}\n";
    let text = format!("{developer}{USER}{ASSISTANT}{USER}{ASSISTANT}");
    fs::write(&file, &text).expect("the file is written");
    let last = ["user", "assistant", "user"];
    for (arguments, first, count) in [
        (&[][..], "D", 6),
        (&["--turns", "1"], "D", 4),
        (&["-s", "S"], "S", 6),
        (&["-s", "S", "--turns", "1"], "S", 4),
    ] {
        let server = Server::replying(&["ok"]);
        let mut command = ask(&server, &["hi", "-q", "--no-save", "--history"]);
        run(command.arg(&file).args(arguments)).exits(0);
        let messages = server.request().json()["messages"].clone();
        let messages = messages.as_array().expect("messages are an array");
        assert_eq!((messages[0]["content"].as_str(), messages.len()), (Some(first), count));
        let roles: Vec<_> = messages[count - 3..].iter().map(|m| m["role"].clone()).collect();
        assert_eq!(roles, last, "{arguments:?}");
    }
    // The words to choose from are appended to it.
    let server = Server::replying(&["yes"]);
    let mut command = ask(&server, &["hi", "-q", "--yes-no", "--no-save", "--history"]);
    run(command.arg(&file)).exits(0);
    let messages = server.request().json()["messages"].clone();
    assert!(messages[0]["content"].as_str().is_some_and(|text| text.starts_with("D\n\n")));
    assert_eq!(messages.as_array().map(Vec::len), Some(6));
    run(ask_mock(&["hi", "-q", "-s", "S", "--history"]).arg(&file)).exits(0);
    let saved = fs::read_to_string(&file).expect("the file is readable");
    assert!(saved.starts_with(&text) && !saved.contains("\"S\""), "{saved}");
}
