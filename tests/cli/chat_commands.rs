//! The commands of `gravix chat`.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::chat_screen::ChatScreen;
use crate::support::json_lines;
use crate::support::server::{Server, answer};
use crate::support::service::{Reply, Service, prompt};

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory is created")
}

#[track_caller]
fn start(home: &TempDir, server: &Server) -> ChatScreen {
    ChatScreen::start(home.path(), &server.base_url(), &["c.jsonl"])
}

/// Role and content of each line of `c.jsonl`.
#[track_caller]
fn lines(home: &Path) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let lines = json_lines(&home.join("c.jsonl"));
    lines.iter().map(|line| (text(&line["role"]), text(&line["content"]))).collect()
}

fn owned(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(role, text)| ((*role).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn help_lists_every_command_and_an_unknown_one_is_not_sent() {
    let home = home();
    let server = Server::replying(&["the only reply"]);
    let mut chat = start(&home, &server);
    let screen = chat.say("/help", "/quit ");
    assert!(screen.contains("/markdown on|off  ") && screen.contains("Alt-Enter"), "{screen}");
    chat.enter("/frobnicate");
    chat.wait_for_return("no command /frobnicate; /help lists them", "/frobnicate");
    chat.screen.type_keys("\x15");
    chat.say("//frobnicate", "the only reply");
    chat.end();
    assert_eq!(lines(home.path())[0].1, "/frobnicate");
}

#[test]
fn retry_replaces_the_reply_once_the_new_one_is_whole() {
    let home = home();
    let failed = answer("404 Not Found", "application/json", "{}");
    let whole = crate::support::server::whole_reply;
    let server = Server::new(vec![whole("old"), failed, whole("new"), whole("last")]);
    let file = home.path().join("c.jsonl");
    let head = "\u{feff}{\"role\": \"system\", \"content\": \"s\"}\r\n";
    fs::write(&file, head).expect("written");
    let mut chat = start(&home, &server);
    chat.say("ask", "\nold\n");
    let before = fs::read(&file).expect("the file");
    chat.say("/retry", "answered 404");
    assert_eq!(fs::read(&file).expect("the file"), before);
    chat.say("/retry", "\nnew\n");
    let asked = &server.requests()[2].json()["messages"];
    assert_eq!(asked.as_array().map(Vec::len), Some(2), "{asked}");
    let user = "{\"role\":\"user\",\"content\":\"ask\"}\n";
    let assistant = "{\"role\":\"assistant\",\"content\":\"new\"}\n";
    assert_eq!(fs::read_to_string(&file).expect("the file"), [head, user, assistant].concat());
    // The next turn finds the file as it was left.
    let screen = chat.say("more", "\nlast\n");
    assert!(!screen.contains("another process"), "{screen}");
    chat.end();
    assert_eq!(fs::read_to_string(&file).expect("the file").lines().count(), 5);
}

#[test]
fn retry_keeps_what_is_added_to_the_file_meanwhile() {
    let home = home();
    let path = home.path().join("c.jsonl");
    let service = Service::new(move |_, number| match number {
        0 => Reply::text("old"),
        _ => {
            let line = "{\"role\":\"user\",\"content\":\"by hand\"}\n";
            let file = fs::OpenOptions::new().append(true).open(&path);
            file.expect("the file").write_all(line.as_bytes()).expect("written");
            Reply::text("new")
        }
    });
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.say("ask", "\nold\n");
    chat.say("/retry", "\nnew\n");
    chat.end();
    let kept = [("user", "ask"), ("assistant", "new"), ("user", "by hand")];
    assert_eq!(lines(home.path()), owned(&kept));
}

#[test]
fn retry_sends_a_question_that_has_no_answer() {
    let home = home();
    let service = Service::new(|request, number| match number {
        0 => Reply::new("404 Not Found", "{}"),
        _ => Reply::text(&prompt(request)),
    });
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.enter("lost?");
    chat.wait_for_return("answered 404", "lost?");
    chat.screen.type_keys("\x15");
    chat.say("/retry", "\nlost?\n");
    chat.end();
    assert_eq!(lines(home.path()), owned(&[("user", "lost?"), ("assistant", "lost?")]));
}

#[test]
fn undo_shows_and_removes_the_last_turn() {
    let home = home();
    let server = Server::replying(&["one", "two"]);
    let mut chat = start(&home, &server);
    chat.say("/undo", "the conversation has no turn yet");
    chat.say("first", "one");
    chat.say("second", "two");
    let screen = chat.say("/undo", "removed this turn");
    assert!(screen.contains("user:\nsecond\n\nassistant:\ntwo\n"), "{screen}");
    assert_eq!(lines(home.path()), owned(&[("user", "first"), ("assistant", "one")]));
    chat.say("/undo", "assistant:\none");
    chat.say("/undo", "no turn to undo");
    chat.end();
}

#[test]
fn files_and_images_go_with_the_next_message_only() {
    let home = home();
    fs::write(home.path().join("my notes.txt"), "text of the file").expect("written");
    fs::write(home.path().join("i.png"), b"\x89PNG\r\n\x1a\n0000").expect("written");
    let server = Server::replying(&["seen", "plain"]);
    let mut chat = start(&home, &server);
    chat.say("/file absent.txt", "cannot read absent.txt");
    chat.say("/file my\\ notes.txt", "goes with the next message");
    fs::remove_file(home.path().join("my notes.txt")).expect("removed");
    chat.say("/image i.png", "i.png goes with the next message");
    chat.say("look", "seen");
    chat.say("and now", "plain");
    chat.end();
    let requests = server.requests();
    let content = requests[0].json()["messages"][0]["content"].clone();
    assert!(content[0]["text"].as_str().expect("text").starts_with("look\n\n"), "{content}");
    assert!(content.to_string().contains("text of the file"), "{content}");
    assert_eq!(content[1]["type"], "image_url", "{content}");
    assert_eq!(requests[1].json()["messages"][2]["content"], "and now");
}

#[test]
fn the_system_prompt_is_of_the_session_and_saved_in_a_new_file_only() {
    let home = home();
    let server = Server::replying(&["one", "two"]);
    let mut chat = start(&home, &server);
    chat.say("/system Be brief.", "the system prompt is set");
    chat.say("a", "\none\n");
    chat.say("/system Be long.", "the system prompt is set");
    chat.say("b", "\ntwo\n");
    chat.end();
    let systems: Vec<Value> =
        server.requests().iter().map(|r| r.json()["messages"][0].clone()).collect();
    assert_eq!(systems[0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!(systems[1], json!({"role": "system", "content": "Be long."}));
    assert_eq!(lines(home.path())[0], ("system".to_owned(), "Be brief.".to_owned()));
    assert_eq!(lines(home.path()).len(), 5);
}

#[test]
fn the_model_and_fields_are_set_for_the_turns_that_follow() {
    let home = home();
    let server = Server::replying(&["one"]);
    let mut chat = start(&home, &server);
    chat.say("/model other", "the model is other");
    chat.say("/set options.num_ctx=4096", "goes into every request");
    chat.say("/set temperature", "not in the format NAME=VALUE");
    chat.say("/set n=2", "n is 2");
    chat.say("a", "\none\n");
    chat.end();
    let body = server.requests()[0].json();
    assert_eq!((&body["model"], &body["options"]["num_ctx"]), (&json!("other"), &json!(4096)));
    assert_eq!(body.get("n"), None);
}

#[test]
fn the_last_reply_is_saved_to_a_file_or_copied() {
    let home = home();
    let reply = "Text.\n\n```sh\nls\n```\n\n```py\nprint()\n```";
    let server = Server::replying(&[reply]);
    let mut chat = start(&home, &server);
    chat.say("/save out.md", "the conversation has no turn yet");
    chat.say("a", "print()");
    chat.say("/save out.md", "wrote the last reply to out.md");
    assert_eq!(
        fs::read_to_string(home.path().join("out.md")).expect("a file"),
        [reply, "\n"].concat()
    );
    chat.say("/copy", "copied the last reply");
    chat.say("/copy 2", "copied code block 2");
    chat.say("/copy 3", "the last reply has 2 code blocks");
    let written = chat.screen.written();
    // base64 of the reply, and of "print()\n".
    for clip in ["VGV4dC4KCmBgYHNoCmxzCmBgYAoKYGBgcHkKcHJpbnQoKQpgYGA=", "cHJpbnQoKQo="] {
        assert!(written.contains(&format!("\x1b]52;c;{clip}\x07")), "{written:?}");
    }
    chat.end();
}

#[test]
fn the_last_reply_of_an_earlier_session_is_saved_too() {
    let home = home();
    let server = Server::replying(&["one", "two"]);
    let mut chat = start(&home, &server);
    chat.say("first", "one");
    chat.say("second", "two");
    chat.end();
    let mut again = start(&home, &server);
    again.say("/save second.md", "wrote the last reply");
    again.say("/undo", "removed this turn");
    again.say("/save first.md", "to first.md");
    again.end();
    let saved = |name| fs::read_to_string(home.path().join(name)).expect("a file");
    assert_eq!([saved("second.md"), saved("first.md")], ["two\n", "one\n"]);
}

#[test]
fn fork_goes_on_in_a_new_file() {
    let home = home();
    let server = Server::replying(&["one", "two"]);
    let mut chat = start(&home, &server);
    chat.say("first", "one");
    chat.say("/fork c.jsonl", "already exists");
    chat.say("/fork @other", "the conversation goes on in");
    let screen = chat.say("second", "\ntwo\n");
    assert!(!screen.contains("another process"), "{screen}");
    assert!(chat.end().contains("go on with gravix chat"));
    assert_eq!(lines(home.path()).len(), 2);
    let other = home.path().join(".local/state/gravix/chats/other.jsonl");
    assert_eq!(json_lines(&other).len(), 4);
}

#[test]
fn tokens_tells_the_last_turn_and_the_session() {
    let home = home();
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7});
    let mut reply: Value =
        serde_json::from_str(&crate::support::completion("counted")).expect("JSON");
    reply["usage"] = usage;
    let service = Service::new(move |_, _| Reply::new("200 OK", reply.to_string()));
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.say("/tokens", "nothing was spent yet");
    chat.say("a", "counted");
    chat.say("b", "> b\ncounted");
    let screen = chat.say("/tokens", "session: 14 tokens in 2 requests");
    assert!(screen.contains("last turn: 3 prompt + 4 completion = 7 tokens"), "{screen}");
    chat.end();
}

#[test]
fn show_prints_the_conversation() {
    let home = home();
    let server = Server::replying(&["one"]);
    let mut chat = start(&home, &server);
    chat.say("/show", "the conversation has no turn yet");
    chat.say("first", "one");
    chat.say("/show", "user:\nfirst\n\nassistant:\none\n");
    chat.end();
}

#[test]
fn quit_ends_the_conversation_with_success() {
    let home = home();
    let mut chat = ChatScreen::start(home.path(), "mock:", &["c.jsonl"]);
    chat.enter("/quit");
    let (status, screen) = chat.screen.end();
    assert_eq!(status.code(), Some(0), "{screen}");
}

#[test]
fn markdown_is_rendered_or_printed_as_it_is() {
    let home = home();
    let server = Server::replying(&["**one** done", "**two** done", "**three** done"]);
    let mut chat = start(&home, &server);
    chat.say("a", "\none done\n");
    chat.say("/markdown off", "replies are printed as they are");
    chat.say("b", "\n**two** done\n");
    let screen = chat.say("/show", "user:\nb\n\nassistant:\n**two** done\n");
    assert!(screen.contains("**one** done"), "{screen}");
    chat.say("/markdown on", "Markdown is rendered");
    chat.say("c", "\nthree done\n");
    chat.end();
}
