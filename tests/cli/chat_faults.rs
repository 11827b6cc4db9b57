//! `gravix chat` when turns are interrupted, servers fail and signals come.

use std::fs;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::chat_screen::ChatScreen;
use crate::support::server::{Server, chunk, gate, stream_head};
use crate::support::service::{Reply, Service};
use crate::support::{json_lines, token};

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory is created")
}

#[test]
fn ctrl_c_drops_a_turn_that_is_streaming_and_brings_the_question_back() {
    let home = home();
    let (_open, wait) = gate();
    let stalls = vec![stream_head(), chunk(token("half a ")), wait];
    let whole = crate::support::server::whole_reply("all of it");
    let server = Server::new(vec![stalls, whole]);
    let mut chat = ChatScreen::start(home.path(), &server.base_url(), &["c.jsonl"]);
    chat.enter("tell me");
    chat.screen.wait_for("half a");
    chat.screen.type_keys("\x03");
    let screen = chat.wait_for_return("was dropped", "tell me");
    assert!(screen.contains("\ngravix: the turn was dropped; nothing was saved\n"), "{screen}");
    assert!(!home.path().join("c.jsonl").exists());
    chat.say(" all", "all of it");
    chat.end();
    assert_eq!(json_lines(&home.path().join("c.jsonl"))[0]["content"], "tell me all");
}

#[test]
fn ctrl_c_drops_a_turn_before_the_first_token_or_during_a_retry_s_wait() {
    let home = home();
    let (_open, wait) = gate();
    let server = Server::once(vec![wait]);
    let mut silent = ChatScreen::start(home.path(), &server.base_url(), &["c.jsonl"]);
    silent.enter("anyone?");
    server.wait_for_request();
    silent.screen.type_keys("\x03");
    silent.screen.wait_for("\ngravix: the turn was dropped; nothing was saved\n");
    silent.wait_for_line("anyone?");

    let busy = Service::new(|_, _| Reply::new("503 Busy", "{}").with("Retry-After: 100"));
    let mut chat = ChatScreen::start(home.path(), &busy.base_url(), &["c.jsonl"]);
    chat.enter("hello?");
    chat.screen.wait_for("retrying in 100.0 s");
    chat.screen.type_keys("\x03");
    chat.wait_for_return("was dropped", "hello?");
    chat.screen.type_keys("\x15");
    chat.end();
}

#[test]
fn ctrl_c_ends_the_wait_for_another_turn() {
    let home = home();
    let path = home.path().join("c.jsonl");
    let file = fs::File::create(&path).expect("the file is created");
    file.lock().expect("the file is locked");
    let mut chat = ChatScreen::start(home.path(), "mock:", &["c.jsonl"]);
    chat.enter("hello");
    chat.screen.wait_for("waiting for another turn");
    chat.screen.type_keys("\x03");
    chat.wait_for_return("was dropped", "hello");
    file.unlock().expect("the file is unlocked");
    chat.say("!", "\nhello!\n");
    chat.end();
}

#[test]
fn a_stream_that_breaks_off_is_told_and_nothing_is_saved() {
    let home = home();
    let server = Server::once(vec![stream_head(), chunk(token("the first half"))]);
    let mut chat = ChatScreen::start(home.path(), &server.base_url(), &["c.jsonl"]);
    chat.enter("go");
    chat.wait_for_return("the first half\ngravix: ", "go");
    assert!(!home.path().join("c.jsonl").exists());
    chat.screen.type_keys("\x15");
    chat.end();
}

#[test]
fn a_turn_that_cannot_be_saved_is_printed_and_told() {
    let home = home();
    let path = home.path().join("c.jsonl");
    fs::write(&path, "").expect("written");
    let replaced = path.clone();
    let service = Service::new(move |_, _| {
        // Another file takes its place while the turn is under way.
        fs::rename(&replaced, replaced.with_extension("old")).expect("renamed");
        fs::write(&replaced, "").expect("written");
        Reply::text("a paid reply")
    });
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.enter("go");
    let screen = chat.wait_for_return("replaced it", "go");
    assert!(screen.contains("a paid reply\n"), "{screen}");
    assert!(screen.contains("another file has replaced it"), "{screen}");
    chat.screen.type_keys("\x15");
    chat.say("/save out.md", "wrote the last reply to out.md");
    assert_eq!(fs::read_to_string(home.path().join("out.md")).expect("a file"), "a paid reply\n");
}

#[test]
fn a_turn_that_is_saved_but_not_logged_is_told_and_its_question_does_not_come_back() {
    let home = home();
    let arguments = ["--log", "/dev/full", "c.jsonl"];
    let mut chat = ChatScreen::start(home.path(), "mock:", &arguments);
    let screen = chat.say("hello", "was not logged to /dev/full");
    assert!(screen.contains("\nhello\n"), "{screen}");
    chat.end();
    assert_eq!(json_lines(&home.path().join("c.jsonl")).len(), 2);
}

#[test]
fn sigterm_restores_the_terminal_and_ends_it_by_the_signal() {
    use std::os::unix::process::ExitStatusExt;
    let home = home();
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut chat = ChatScreen::start(home.path(), "mock:", &["c.jsonl"]);
        chat.say("hello", "\nhello\n");
        chat.screen.type_keys("half a line");
        chat.wait_for_line("half a line");
        chat.screen.signal(signal);
        // Once its own end is closed, the settings of the terminal are gone too.
        chat.screen.wait_until("the end", |_| true);
        let (status, screen) = chat.screen.end();
        assert_eq!(status.signal(), Some(signal as i32), "{screen}");
    }
    // The turn before it was saved.
    assert_eq!(json_lines(&home.path().join("c.jsonl")).len(), 4);
}

#[test]
fn ctrl_z_stops_it_and_it_goes_on_with_the_line() {
    let home = home();
    let shell = crate::support::program("bash");
    let mut command = shell;
    command
        .args(["--norc", "--noprofile", "-i"])
        .env("PS1", "$ ")
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home.path())
        .current_dir(home.path());
    let size = |number| std::num::NonZero::new(number).expect("not zero");
    let mut screen = crate::support::screen::Screen::start(&command, size(40), size(150));
    screen.wait_for("$");
    screen.type_keys(format!("{} chat --base-url mock: c.jsonl\r", env!("CARGO_BIN_EXE_gravix")));
    screen.wait_for("\n>");
    screen.type_keys("half of");
    screen.wait_for("> half of");
    screen.type_keys("\x1a");
    screen.wait_for("Stopped");
    screen.type_keys("fg\r");
    screen.wait_until("the line again", |text| text.trim_end().ends_with("> half of"));
    screen.type_keys(" a line\r");
    screen.wait_for("\nhalf of a line\n");
    screen.type_keys("\x04");
    screen.wait_for("go on with");
}

#[test]
fn ctrl_z_does_nothing_where_no_shell_could_continue_it() {
    let home = home();
    let (service, go_on) = Service::gated();
    let mut chat = ChatScreen::start(home.path(), &service.base_url(), &["c.jsonl"]);
    chat.enter("hello");
    chat.screen.wait_for("waiting for the reply");
    chat.screen.type_keys("\x1a");
    chat.screen.wait_for("^Z");
    drop(go_on);
    chat.screen.wait_until("the prompt", |text| text.trim_end().ends_with("\n>"));
    // Nor at the prompt, once signals are caught for the line.
    chat.say("\x1aagain", "\nagain\n");
    chat.end();
}

#[test]
fn sigint_from_elsewhere_does_not_end_it_at_the_prompt() {
    let home = home();
    let mut chat = ChatScreen::start(home.path(), "mock:", &["c.jsonl"]);
    chat.screen.signal(Signal::SIGINT);
    chat.say("hello", "\nhello\n");
    chat.end();
}
