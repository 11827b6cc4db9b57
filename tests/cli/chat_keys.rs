//! The keys of `gravix chat`: editing, several lines, pastes, the text editor, history
//! and completion.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::support::chat_screen::{ChatScreen, chat};
use crate::support::json_lines;
use crate::support::service::{Reply, Service};

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory is created")
}

/// A conversation in `c.jsonl`, in which the mock server says what it is told.
#[track_caller]
fn start(home: &TempDir) -> ChatScreen {
    ChatScreen::start(home.path(), "mock:", &["c.jsonl"])
}

/// The contents of the questions in `c.jsonl`.
#[track_caller]
fn questions(home: &Path) -> Vec<String> {
    let lines = json_lines(&home.join("c.jsonl"));
    let questions = lines.iter().filter(|line| line["role"] == "user");
    questions.map(|line| line["content"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn alt_enter_or_a_backslash_at_the_end_begins_a_new_line() {
    let home = home();
    let mut chat = start(&home);
    // Two backslashes are text.
    chat.say("one\x1b\rtwo\\\rthree \\\\", "\nthree \\\\\n");
    chat.end();
    assert_eq!(questions(home.path()), ["one\ntwo\nthree \\\\"]);
}

#[test]
fn a_bracketed_paste_is_one_message_with_its_line_ends_and_tabs() {
    let home = home();
    let mut chat = start(&home);
    chat.say("see: \x1b[200~a\tb\r\nc \\\r\rd\x1b[201~", "\nd\n");
    chat.end();
    assert_eq!(questions(home.path()), ["see: a\tb\nc \\\n\nd"]);
}

#[test]
fn a_paste_that_is_not_utf_8_is_dropped_as_a_whole() {
    let home = home();
    let mut chat = start(&home);
    chat.say("one", "\none\n");
    // Longer than what is read at once.
    let lines = "a line\n/undo\n".repeat(1000);
    chat.screen.type_keys([b"\x1b[200~\xff", lines.as_bytes(), b"\x1b[201~"].concat());
    chat.wait_for_return("not UTF-8, and was dropped", "");
    chat.say("two", "\ntwo\n");
    chat.end();
    assert_eq!(questions(home.path()), ["one", "two"]);
}

#[test]
fn a_slash_at_the_start_of_a_paste_is_text() {
    let home = home();
    let mut chat = start(&home);
    chat.say("\x1b[200~/quit\x1b[201~", "\n/quit\n");
    // It comes back from the history as what it was.
    chat.say("\x1b[A", "> //quit");
    // A paste that was deleted does not count.
    chat.screen.type_keys("\x1b[200~/paste\x1b[201~\x15");
    chat.say("/model", "the model is m");
    chat.end();
    assert_eq!(questions(home.path()), ["/quit", "/quit"]);
}

#[test]
fn ctrl_c_clears_the_line() {
    let home = home();
    let mut chat = start(&home);
    chat.screen.type_keys("not this");
    chat.wait_for_line("not this");
    chat.screen.type_keys("\x03");
    chat.wait_for_prompt();
    chat.say("but this", "\nbut this\n");
    chat.end();
    assert_eq!(questions(home.path()), ["but this"]);
}

#[test]
fn emacs_keys_edit_the_line() {
    let home = home();
    let mut chat = start(&home);
    // Ctrl-A, Alt-F, Ctrl-K, Ctrl-Y.
    chat.say("world hello\x01\x1bf\x0b, \x01\x19 ", "\nhello world,\n");
    chat.end();
}

#[test]
fn vi_keys_come_from_inputrc() {
    let home = home();
    fs::write(home.path().join(".inputrc"), "set editing-mode vi\n").expect("written");
    let mut chat = start(&home);
    // Escape, to the start of the line, delete a word.
    chat.screen.type_keys("xx hello");
    chat.wait_for_line("xx hello");
    chat.screen.type_keys("\x1b");
    chat.screen.type_keys("0dw");
    chat.wait_for_line("hello");
    chat.say("", "\nhello\n");
    chat.end();
    assert_eq!(questions(home.path()), ["hello"]);
}

#[test]
fn inputs_are_remembered_privately_and_secrets_are_not() {
    let home = home();
    let mut command = chat(home.path(), "mock:", &["c.jsonl"]);
    command.env("GRAVIXLAYER_API_KEY", "sk-secret-of-the-test");
    let mut first = ChatScreen::run(&command);
    first.say("remember me", "\nremember me\n");
    first.say("my key is sk-secret-of-the-test", "my key is");
    first.say("/set x-api-key=hush", "goes into every request");
    first.end();
    let inputs = home.path().join(".local/state/gravix/inputs");
    assert_eq!(fs::metadata(&inputs).expect("a file").permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&inputs).expect("the file");
    assert!(!text.contains("secret") && !text.contains("hush"), "{text}");
    let mut second = start(&home);
    // The arrow finds the last one, and Ctrl-R the one that has a text.
    second.screen.type_keys("\x1b[A");
    second.wait_for_line("remember me");
    second.screen.type_keys("\x15\x12mem");
    second.screen.wait_for("remember me");
    second.say("", "\nremember me\n");
    second.end();
}

#[test]
fn the_text_editor_gets_the_line_and_gives_it_back() {
    let home = home();
    let editor = home.path().join("editor");
    fs::write(&editor, "#!/bin/sh\nsed -i 's/small/BIG/' \"$2\"\n").expect("written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("the mode");
    let mut command = chat(home.path(), "mock:", &["c.jsonl"]);
    command.env("PATH", "/usr/bin:/bin").env("EDITOR", format!("{} --wait", editor.display()));
    let mut chat = ChatScreen::run(&command);
    chat.screen.type_keys("a small line\x18\x05");
    chat.wait_for_line("a BIG line");
    chat.say("", "\na BIG line\n");
    // The last question.
    chat.enter("/edit");
    chat.wait_for_line("a BIG line");
    chat.say(" again", "\na BIG line again\n");
    chat.end();
}

#[test]
fn an_editor_that_fails_leaves_the_line_as_it_was() {
    let home = home();
    let mut command = chat(home.path(), "mock:", &["c.jsonl"]);
    command.env("PATH", "/usr/bin:/bin").env("VISUAL", "false");
    let mut chat = ChatScreen::run(&command);
    chat.screen.type_keys("precious text\x18\x05");
    chat.wait_for_return("gravix: the editor false failed (exit status: 1)", "precious text");
    chat.say("", "\nprecious text\n");
    chat.end();
}

#[test]
fn control_characters_in_the_line_are_shown_and_do_not_act() {
    let home = home();
    let question = "title \u{1b}]0;owned\u{7} \u{9b}2J end";
    let lines = [json!({"role": "user", "content": question}), json!({"role": "assistant"})];
    let lines = lines.map(|line| line.to_string() + "\n");
    fs::write(home.path().join("c.jsonl"), lines.concat()).expect("written");
    let mut command = chat(home.path(), "mock:", &["c.jsonl"]);
    command.env("PATH", "/usr/bin:/bin").env("EDITOR", "true").env("NO_COLOR", "1");
    let mut chat = ChatScreen::run(&command);
    chat.enter("/edit");
    chat.screen.wait_for("> title ␛]0;owned␇ ");
    chat.screen.type_keys("\x15");
    // Ctrl-V inserts the next key.
    chat.say("\x16\x07 and \x1b[200~\x07\x1b[201~", "> ␇ and ␇");
    let written = chat.screen.written();
    assert!(!written.contains("\u{1b}]") && !written.contains(['\u{7}', '\u{9b}']), "{written:?}");
    chat.end();
    assert_eq!(questions(home.path()), [question, "\u{7} and \u{7}"]);
}

#[test]
fn tab_completes_commands_models_and_files() {
    let home = home();
    fs::create_dir(home.path().join("notes")).expect("a directory");
    fs::write(home.path().join("notes/today.txt"), "text of today").expect("written");
    let models = "{\"data\":[{\"id\":\"llama-small\"},{\"id\":\"qwen-large\"}]}";
    let service = Service::new(move |_, _| Reply::new("200 OK", models));
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.screen.type_keys("/mod\t");
    chat.wait_for_line("/model");
    chat.say("qw\t", "the model is qwen-large");
    chat.screen.type_keys("/file no\t");
    chat.wait_for_line("/file notes/");
    chat.say("t\t", "notes/today.txt goes with the next message");
    chat.end();
}

#[test]
fn a_wider_screen_is_used_at_once() {
    let home = home();
    let mut chat = start(&home);
    let line = "word ".repeat(30);
    chat.screen.type_keys(&line);
    chat.screen.wait_until("two rows", |text| {
        text.contains("word word") && text.lines().last() != text.lines().nth(1)
    });
    let wide = std::num::NonZero::new(200).expect("not zero");
    chat.screen.resize(std::num::NonZero::new(40).expect("not zero"), wide);
    chat.screen.type_keys("end");
    chat.screen.wait_for(&format!("> {line}end"));
    chat.say("", "word end\n");
    chat.end();
}

#[test]
fn what_is_typed_while_a_reply_comes_is_the_next_line() {
    let home = home();
    let (service, go_on) = Service::gated();
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.enter("one");
    service.wait_for(1);
    chat.screen.type_keys("two\rthr");
    chat.screen.wait_for("two");
    drop(go_on);
    service.wait_for(2);
    chat.wait_for_line("thr");
    chat.say("ee", "\nthree\n");
    chat.end();
    assert_eq!(questions(home.path()), ["one", "two", "three"]);
}

#[test]
fn a_paste_while_a_reply_comes_is_one_message_too() {
    let home = home();
    let (service, go_on) = Service::gated();
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.enter("one");
    service.wait_for(1);
    // At the prompt, and again for the turn.
    chat.screen.wait_until_written("\x1b[?2004h", 2);
    chat.screen.type_keys("\x1b[200~two\r/undo\r\x1b[201~");
    drop(go_on);
    chat.screen.wait_for("> two\n/undo");
    chat.say("three", "three");
    chat.end();
    assert_eq!(questions(home.path()), ["one", "two\n/undo\nthree"]);
}
