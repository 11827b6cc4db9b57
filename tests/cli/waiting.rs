//! What the terminal shows while gravix waits for a reply.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::support::server::{
    Script, Server, Step, answer, chunk, events, gate, stream_head, whole_reply,
};
use crate::support::terminal::Terminal;
use crate::support::{DONE, ask, finish, signal, skip, start, token};

/// The end of what is drawn: the cursor goes back to where the line began.
const DRAWN: &str = "\u{1b}8\u{1b}[?7h";

/// gravix with its stderr on a terminal.
struct Waiting {
    child: Child,
    terminal: Terminal,
    /// All that was written to the terminal so far.
    shown: String,
    width: u16,
}

impl Waiting {
    /// Starts `command` with its stderr on a terminal of this width.
    fn start_on(width: u16, command: &mut Command) -> Self {
        let terminal = Terminal::with_width(width);
        let child = command.env("TERM", "xterm").stderr(terminal.stream()).spawn();
        // The command would hold the terminal open.
        command.stderr(Stdio::null());
        Self { child: child.expect("gravix starts"), terminal, shown: String::new(), width }
    }

    fn start(command: &mut Command) -> Self {
        Self::start_on(200, command.stdout(Stdio::piped()))
    }

    /// Starts `command` with its stdout on the terminal too, on which `before` stands
    /// already.
    fn start_on_one_terminal(before: &str, command: &mut Command) -> Self {
        let mut terminal = Terminal::with_width(80);
        terminal.write(before);
        let shown = terminal.read_past(before);
        command.env("TERM", "xterm").stdout(terminal.stream()).stderr(terminal.stream());
        let child = command.spawn().expect("gravix starts");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self { child, terminal, shown, width: 80 }
    }

    /// Waits until the terminal has got `part`.
    fn wait_for(&mut self, part: &str) -> &mut Self {
        let shown = self.terminal.read_past(part);
        self.shown += &shown;
        self
    }

    /// Waits until the line is drawn.
    fn wait_for_line(&mut self) -> &mut Self {
        self.wait_for(DRAWN)
    }

    /// What a user sees.
    fn screen(&self) -> String {
        screen(&self.shown, self.width)
    }

    /// The exit status and the screen at the end.
    fn finish(self) -> (ExitStatus, String) {
        let Self { mut child, terminal, mut shown, width } = self;
        let status = child.wait().expect("gravix ends");
        shown += &terminal.read_to_end();
        (status, screen(&shown, width))
    }
}

fn screen(shown: &str, width: u16) -> String {
    let (rows, width) = (24.try_into().expect("not zero"), width.try_into().expect("not zero"));
    let mut parser = vt100::Parser::new(rows, width, 0);
    parser.process(shown.as_bytes());
    let (row, column) = parser.screen().cursor_position();
    format!("{}[{row},{column}]", parser.screen().contents())
}

#[test]
fn the_wait_is_shown_until_text_comes_and_leaves_no_trace() {
    for before in ["", "x: "] {
        let (server, go_on) = Server::gated(events(&[token("one"), DONE.to_owned()]));
        let mut command = ask(&server, &["hi"]);
        let mut waiting = Waiting::start_on_one_terminal(before, &mut command);
        let screen = waiting.wait_for_line().screen();
        let line = format!("{before}waiting for the reply: ");
        assert!(screen.starts_with(&line), "{screen}");
        assert!(screen.ends_with(&format!(" s[0,{}]", before.len())), "{screen}");
        // The line is drawn again and again.
        waiting.wait_for_line();
        go_on.send(()).expect("the server is waiting");
        let (status, screen) = waiting.finish();
        assert!(status.success());
        assert_eq!(screen, format!("{before}one[1,0]"));
    }
}

#[test]
fn a_reply_for_a_pipe_is_waited_for_until_it_is_whole() {
    let (go_on, wait) = gate();
    let end = [wait, chunk(token(" two") + DONE), Step::LastChunk, Step::End];
    let script: Script = [stream_head(), chunk(token("one"))].into_iter().chain(end).collect();
    let server = Server::once(script);
    let mut waiting =
        Waiting::start(&mut ask(&server, &["hi", "--stream", "--choose", "a,one two"]));
    waiting.wait_for("receiving the reply: ").wait_for_line();
    go_on.send(()).expect("the server is waiting");
    let (status, screen) = waiting.finish();
    assert!(status.success());
    assert_eq!(screen, "[0,0]");
}

#[test]
fn a_file_gets_its_reply_without_a_trace_of_the_wait() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let file = directory.path().join("reply.txt");
    let (server, go_on) = Server::gated(whole_reply("one"));
    let mut waiting = Waiting::start(ask(&server, &["hi", "-o"]).arg(&file));
    waiting.wait_for_line();
    go_on.send(()).expect("the server is waiting");
    assert_eq!(waiting.finish().1, "[0,0]");
    assert_eq!(fs::read_to_string(file).expect("the file is there"), "one\n");
}

#[test]
fn reasoning_that_is_printed_ends_the_wait() {
    let reasoning = "data: {\"choices\":[{\"delta\":{\"reasoning\":\"so\"}}]}\n\n";
    let script = events(&[reasoning.to_owned(), token("one"), DONE.to_owned()]);
    let (server, go_on) = Server::gated(script);
    let mut command = ask(&server, &["hi", "--stream", "--reasoning", "stderr"]);
    let mut waiting = Waiting::start(&mut command);
    waiting.wait_for_line();
    go_on.send(()).expect("the server is waiting");
    assert_eq!(waiting.finish().1, "so[1,0]");
}

#[test]
fn a_failure_is_told_where_the_line_was() {
    let (server, go_on) =
        Server::gated(answer("400 Bad Request", "application/json", "{\"error\":\"no\"}"));
    let mut waiting = Waiting::start(&mut ask(&server, &["hi"]));
    waiting.wait_for_line();
    go_on.send(()).expect("the server is waiting");
    let (status, screen) = waiting.finish();
    assert_eq!(status.code(), Some(69));
    assert!(screen.starts_with("gravix: ") && !screen.contains("waiting"), "{screen}");
    assert!(screen.ends_with("[1,0]"), "{screen}");
}

#[test]
fn a_signal_ends_the_wait_without_a_trace() {
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
    let runs = signals.into_iter().flat_map(|signal| [(signal, false), (signal, true)]);
    let runs = runs.map(|(end_signal, has_history)| {
        let server = Server::once(vec![Step::Stall]);
        let mut command = ask(&server, &["hi"]);
        // A core file goes there too.
        command.current_dir(directory.path());
        if has_history {
            command.args(["--history", end_signal.as_str()]);
        }
        (end_signal, Waiting::start(&mut command))
    });
    let runs: Vec<(Signal, Waiting)> = runs.collect();
    for (end_signal, mut waiting) in runs {
        waiting.wait_for_line();
        signal(&waiting.child, end_signal);
        let (status, screen) = waiting.finish();
        assert_eq!(status.signal(), Some(end_signal as i32));
        assert_eq!(screen, "[0,0]");
    }
    let left = fs::read_dir(directory.path()).expect("the directory is readable");
    let left = left.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let left: Vec<String> = left.filter(|name| name.starts_with("SIG")).collect();
    assert!(left.is_empty(), "an interrupted first turn leaves no file: {left:?}");
}

#[test]
fn a_stopped_wait_leaves_no_line_behind_and_goes_on() {
    let (server, go_on) = Server::gated(whole_reply("one"));
    let mut command = ask(&server, &["hi"]);
    // As a shell does it.
    command.process_group(0);
    let mut waiting = Waiting::start(&mut command);
    waiting.wait_for_line();
    for _ in 0..2 {
        signal(&waiting.child, Signal::SIGTSTP);
        let pid = Pid::from_raw(waiting.child.id().cast_signed());
        let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("the process is running");
        assert_eq!(stopped, WaitStatus::Stopped(pid, Signal::SIGSTOP));
        waiting.terminal.write("$ ");
        let screen = waiting.wait_for("$ ").screen();
        assert!(screen.trim_start_matches("$ ").starts_with('['), "{screen}");
        signal(&waiting.child, Signal::SIGCONT);
        waiting.wait_for_line();
    }
    go_on.send(()).expect("the server is waiting");
    let (status, screen) = waiting.finish();
    assert!(status.success());
    assert_eq!(screen, "$ $ [0,4]");
}

#[test]
fn the_line_does_not_wrap() {
    let server = Server::once(vec![Step::Stall]);
    let mut command = ask(&server, &["hi"]);
    let mut waiting = Waiting::start_on(13, command.stdout(Stdio::null()));
    let screen = waiting.wait_for_line().screen();
    assert!(screen.starts_with("waiting: ") && screen.ends_with(" s[0,0]"), "{screen}");
    signal(&waiting.child, Signal::SIGTERM);
    assert_eq!(waiting.finish().1, "[0,0]");
}

#[test]
fn the_note_of_a_retry_stands_for_the_line() {
    let (go_on, wait) = gate();
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n";
    let server = Server::new(vec![
        vec![Step::Raw(busy.into()), Step::End],
        [wait].into_iter().chain(whole_reply("one")).collect(),
    ]);
    let mut waiting = Waiting::start(&mut ask(&server, &["hi"]));
    waiting.wait_for("retrying in 2.0 s (try 2 of 3)\r\n").wait_for_line();
    assert_eq!(server.requests().len(), 2, "the line came before the second try");
    let screen = waiting.screen();
    let (note, line) = screen.split_once('\n').expect("there are two lines");
    assert!(note.ends_with("(try 2 of 3)"), "{screen}");
    assert!(line.starts_with("waiting for the reply: "), "{screen}");
    go_on.send(()).expect("the server is waiting");
    let (status, screen) = waiting.finish();
    assert!(status.success());
    assert_eq!(screen, format!("{note}[1,0]"));
}

#[test]
fn a_reply_that_is_asked_for_again_is_waited_for_again() {
    let (go_on, wait) = gate();
    let again = [wait].into_iter().chain(whole_reply("{}")).collect();
    let server = Server::new(vec![whole_reply("no JSON"), again]);
    let mut waiting = Waiting::start(&mut ask(&server, &["hi", "--json-object", "--repair", "1"]));
    waiting.wait_for("asking again\r\n").wait_for_line();
    go_on.send(()).expect("the server is waiting");
    let (status, screen) = waiting.finish();
    assert!(status.success());
    assert!(screen.ends_with("asking again[1,0]"), "{screen}");
}

/// A server that answers later than the line would be shown.
fn slow() -> Server {
    let pause = Step::Pause(Duration::from_millis(1500));
    Server::once([pause].into_iter().chain(whole_reply("one")).collect())
}

#[test]
fn no_wait_is_shown_with_quiet_or_on_a_terminal_that_cannot_erase() {
    let servers = [slow(), slow(), slow()];
    let quiet = Waiting::start(&mut ask(&servers[0], &["hi", "-q"]));
    let others = [Some("dumb"), None].into_iter().zip(&servers[1..]).map(|(term, server)| {
        let terminal = Terminal::with_width(80);
        let mut command = ask(server, &["hi"]);
        command
            .stdout(Stdio::piped())
            .stderr(terminal.stream())
            .envs(term.map(|term| ("TERM", term)));
        let child = command.spawn().expect("gravix starts");
        Waiting { child, terminal, shown: String::new(), width: 80 }
    });
    let all: Vec<Waiting> = others.chain([quiet]).collect();
    for Waiting { child, terminal, .. } in all {
        let output = finish(child);
        assert_eq!(output.stdout, b"one\n");
        assert_eq!(terminal.read_to_end(), "");
    }
}

#[test]
fn a_pipe_shows_no_wait_and_costs_no_thread() {
    let server = slow();
    let child = start(ask(&server, &["hi"]).env("TERM", "xterm"));
    server.wait_for_request();
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).map(Iterator::count);
    let output = finish(child);
    assert_eq!(output.stdout, b"one\n");
    assert!(output.stderr.is_empty(), "{output:?}");
    match threads {
        Ok(threads) => assert_eq!(threads, 1),
        Err(_) => skip("there is no /proc"),
    }
}
