//! `gravix chat`: turns, files, and the end of a conversation.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::chat_screen::{ChatScreen, chat};
use crate::support::server::Server;
use crate::support::service::{Reply, Service};
use crate::support::{gravix, json_lines, run};

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory is created")
}

/// The only file in the default directory of histories.
#[track_caller]
fn only_chat(home: &Path) -> PathBuf {
    let chats = fs::read_dir(home.join(".local/state/gravix/chats")).expect("the directory");
    let paths: Vec<PathBuf> = chats.map(|entry| entry.expect("an entry").path()).collect();
    let [path] = &paths[..] else { panic!("{paths:?}") };
    path.clone()
}

/// Appends a message to the history, without its lock.
#[track_caller]
fn add_by_hand(path: &Path) {
    let mut file = fs::File::options().append(true).open(path).expect("the file opens");
    file.write_all(b"{\"role\":\"user\",\"content\":\"by hand\"}\n").expect("written");
}

#[test]
fn each_line_is_a_turn_of_a_new_private_file_and_the_end_says_how_to_go_on() {
    let home = home();
    let server = Server::replying(&["one", "two"]);
    let mut chat = ChatScreen::start(home.path(), &server.base_url(), &[]);
    chat.say("first", "one");
    chat.say("second", "two");
    let screen = chat.end();
    let path = only_chat(home.path());
    assert_eq!(
        json_lines(&path),
        [
            json!({"role": "user", "content": "first"}),
            json!({"role": "assistant", "content": "one"}),
            json!({"role": "user", "content": "second"}),
            json!({"role": "assistant", "content": "two"}),
        ]
    );
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let name = path.file_stem().expect("a name").to_str().expect("UTF-8");
    let screen = screen.replace('\n', "");
    let base_url = server.base_url();
    let end = format!("go on with gravix chat --base-url {base_url} -m m @{name}");
    assert!(screen.contains(&end), "{end}\n{screen}");
    assert!(screen.contains(&format!("the conversation is in {}", path.display())), "{screen}");
    assert_eq!(server.requests()[1].json()["messages"].as_array().map(Vec::len), Some(3));
}

#[test]
fn without_a_turn_there_is_no_file_and_no_last_word() {
    let home = home();
    let chat = ChatScreen::start(home.path(), "mock:", &[]);
    let screen = chat.end();
    assert!(!screen.contains("go on with"), "{screen}");
    let chats = home.path().join(".local/state/gravix/chats");
    assert_eq!(fs::read_dir(chats).expect("the directory").count(), 0);
}

#[test]
fn a_conversation_goes_on_by_its_file_its_name_or_as_the_latest() {
    let home = home();
    let file = home.path().join("c.jsonl");
    let turn =
        "{\"role\":\"user\",\"content\":\"a\"}\n{\"role\":\"assistant\",\"content\":\"b\"}\n";
    fs::write(&file, turn).expect("the file is written");
    let mut by_file = ChatScreen::start(home.path(), "mock:", &["c.jsonl"]);
    assert!(by_file.screen.text().contains("c.jsonl has 1 turn;"), "{}", by_file.screen.text());
    by_file.say("c", "\nc");
    by_file.end();
    assert_eq!(json_lines(&file).len(), 4);

    let mut by_name = ChatScreen::start(home.path(), "mock:", &["@talk"]);
    by_name.say("named", "\nnamed");
    by_name.end();
    let mut latest = ChatScreen::start(home.path(), "mock:", &["-c"]);
    assert!(latest.screen.text().contains("@talk has 1 turn;"), "{}", latest.screen.text());
    latest.say("again", "\nagain");
    latest.end();
    assert_eq!(json_lines(&home.path().join(".local/state/gravix/chats/talk.jsonl")).len(), 4);
}

#[test]
fn without_a_terminal_the_pipeline_s_way_is_told() {
    run(gravix().args(["chat", "-p", "mock"])).exits(2).prints("").says(&[
        "chat needs a terminal; in a pipeline, use gravix ask -p mock --history FILE for each turn",
    ]);
}

#[test]
fn what_is_wrong_from_the_start_ends_it_with_its_status() {
    let home = home();
    let bad = home.path().join("bad.jsonl");
    fs::write(&bad, "{\"role\":1}\n").expect("the file is written");
    for (arguments, status, message) in [
        (&["bad.jsonl"][..], 65, "bad.jsonl:1:"),
        (&["missing/c.jsonl"], 73, "cannot write missing/c.jsonl"),
        (&["-c"], 66, "start one with gravix chat"),
        (&["--body", "{\"messages\":[]}"], 2, "those of a chat are in its file"),
        (&["--param", "n=2"], 2, "n is 2"),
    ] {
        let screen = crate::support::screen::Screen::start(
            &chat(home.path(), "mock:", arguments),
            std::num::NonZero::new(24).expect("not zero"),
            std::num::NonZero::new(200).expect("not zero"),
        );
        let (ended, text) = screen.end();
        assert_eq!(ended.code(), Some(status), "{text}");
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn a_failed_turn_prints_one_line_and_its_question_comes_back() {
    let home = home();
    let service = Service::new(|request, number| match number {
        0 => Reply::new("401 Unauthorized", "{\"error\":{\"message\":\"bad key\"}}"),
        _ => Reply::text(&crate::support::service::prompt(request)),
    });
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.enter("why");
    chat.wait_for_return("gravix: the server answered 401: bad key", "why");
    chat.say(" not", "\nwhy not");
    chat.end();
    assert_eq!(json_lines(&home.path().join("c.jsonl"))[0]["content"], "why not");
}

#[test]
fn ctrl_d_ends_with_success_although_the_last_turn_failed() {
    let home = home();
    let service = Service::new(|_, _| Reply::new("404 Not Found", "{}"));
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.enter("why");
    chat.wait_for_return("answered 404", "why");
    // Ctrl-U empties the line.
    chat.screen.type_keys("\x15");
    let screen = chat.end();
    assert!(!screen.contains("go on with"), "{screen}");
    assert!(!home.path().join("c.jsonl").exists());
}

#[test]
fn a_reply_cut_at_a_length_is_saved_and_told() {
    let home = home();
    let body = crate::support::completion_ended("to be cont", "length");
    let service = Service::new(move |_, _| Reply::new("200 OK", body.clone()));
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    let screen = chat.say("go", "/set max_tokens=N allows a longer one");
    assert!(screen.contains("to be cont\n"), "{screen}");
    chat.end();
    assert_eq!(json_lines(&home.path().join("c.jsonl")).len(), 2);
}

#[test]
fn a_line_that_another_process_appends_is_seen_by_the_next_turn_which_says_so() {
    let home = home();
    let server = Server::replying(&["one", "two"]);
    let mut chat = ChatScreen::start(home.path(), &server.base_url(), &["c.jsonl"]);
    chat.say("first", "one");
    add_by_hand(&home.path().join("c.jsonl"));
    let screen = chat.say("second", "two");
    assert!(screen.contains("another process has added messages to c.jsonl"), "{screen}");
    let messages = server.requests()[1].json()["messages"].clone();
    assert_eq!(messages[2]["content"], "by hand");
    // Its own turn is no news.
    chat.end();
}

#[test]
fn a_line_that_is_appended_during_a_turn_is_told_of_at_the_next() {
    let home = home();
    let path = home.path().join("c.jsonl");
    let appended = path.clone();
    let service = Service::new(move |request, number| {
        if number == 0 {
            add_by_hand(&appended);
        }
        Reply::text(&crate::support::service::prompt(request))
    });
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    let screen = chat.say("first", "\nfirst\n");
    assert!(!screen.contains("another process"), "{screen}");
    let screen = chat.say("second", "\nsecond\n");
    assert!(screen.contains("another process has added messages to c.jsonl"), "{screen}");
    chat.end();
    assert_eq!(json_lines(&path).len(), 5);
}

#[test]
fn two_chats_on_one_file_take_turns() {
    let home = home();
    let (service, go_on) = Service::gated();
    let mut one = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    one.enter("one");
    service.wait_for(1);
    let mut two = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    two.enter("two");
    two.screen.wait_for("waiting for another turn in c.jsonl to end");
    go_on.send(()).expect("the service waits");
    one.screen.wait_for("\none\n");
    go_on.send(()).expect("the service waits");
    two.screen.wait_until("two", |text| text.contains("\ntwo\n") && text.trim_end().ends_with('>'));
    one.wait_for_prompt();
    let contents: Vec<_> = json_lines(&home.path().join("c.jsonl"))
        .iter()
        .map(|line| line["content"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(contents, ["one", "one", "two", "two"]);
}

#[test]
fn a_question_whose_reply_is_not_in_the_format_comes_back() {
    let home = home();
    let server = Server::replying(&["green", "red"]);
    let mut chat =
        ChatScreen::start(home.path(), &server.base_url(), &["--choose=red,blue", "c.jsonl"]);
    chat.enter("which?");
    let screen = chat.wait_for_return("not one of red, blue", "which?");
    assert!(screen.contains("\ngreen\n"), "{screen}");
    assert!(!home.path().join("c.jsonl").exists());
    chat.say("", "\nred\n");
    chat.end();
    assert_eq!(json_lines(&home.path().join("c.jsonl")).len(), 2);
}

#[test]
fn a_format_applies_to_every_turn_and_yes_no_prints_the_answer() {
    let home = home();
    let server = Server::replying(&["Yes."]);
    let mut chat = ChatScreen::start(home.path(), &server.base_url(), &["--yes-no", "c.jsonl"]);
    chat.say("is it?", "\nyes\n");
    chat.end();
}
