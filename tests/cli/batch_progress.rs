//! How a run tells how far it is.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::Sender;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::support::batch_lines::{input, prompts};
use crate::support::service::{Reply, Service, prompt};
use crate::support::terminal::Terminal;
use crate::support::{batch, finish, run, signal, start};

/// Erases what was drawn.
const ERASE: &str = "\r\u{1b}[J";

/// The end of what is drawn: the cursor goes back to the start of the line.
const DRAWN: &str = "\u{1b}[?7h\r";

/// Lets one request of a [`Service::gated`] after the other end.
fn release(go_on: &Sender<()>, count: usize) {
    (0..count).for_each(|_| go_on.send(()).expect("the service runs"));
}

/// Reads stderr up to a line that contains `part`. Returns that line.
#[track_caller]
fn wait_for_line(child: &mut Child, part: &str) -> String {
    let stderr = child.stderr.take().expect("stderr is a pipe");
    let mut lines = BufReader::new(stderr).lines().map(|line| line.expect("stderr is UTF-8"));
    let found = lines.find(|line| line.contains(part));
    found.unwrap_or_else(|| panic!("no line has {part}"))
}

#[test]
fn a_log_gets_lines_of_progress() {
    let (service, go_on) = Service::gated();
    let (_directory, file) = input(&prompts(1200));
    let arguments = ["--lines", "-j2", "--progress", "0.05"];
    let mut child = start(batch(&service.base_url(), &arguments).arg(file));
    release(&go_on, 5);
    let line = wait_for_line(&mut child, "5 done");
    let (counts, rates) = line.split_once("; ").expect("the line has rates");
    assert_eq!(counts, "gravix: 5 done, 0 failed, 1,195 left");
    assert!(rates.contains(" requests/s; ") && rates.ends_with(" left"), "{line}");
    drop(go_on);
    assert!(finish(child).status.success());
}

/// A pipe that holds no more.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().expect("a pipe is created");
    let set = |flags| fcntl(&writer, FcntlArg::F_SETFL(flags)).expect("the flags are set");
    set(OFlag::O_NONBLOCK);
    while (&writer).write(&[b' '; 4096]).is_ok() {}
    set(OFlag::empty());
    (reader, writer)
}

#[test]
fn progress_that_nobody_reads_stops_no_request() {
    let (mut reader, writer) = full_pipe();
    let service = Service::echo();
    let (_directory, file) = input(&prompts(50));
    let mut command = batch(&service.base_url(), &["--lines", "--progress", "0.000001"]);
    command.arg(file).stdout(Stdio::null()).stderr(writer);
    let child = command.spawn().expect("gravix starts");
    drop(command);
    service.wait_for(50);
    reader.read_to_end(&mut Vec::new()).expect("the pipe is readable");
    assert!(finish(child).status.success());
}

#[test]
fn progress_can_be_turned_off() {
    let (_directory, file) = input(&prompts(3));
    let quick = || batch("mock:", &["--lines", "--progress", "never"]);
    run(quick().arg(&file)).exits(0).says(&["3 done"]);
    let terminal = Terminal::open();
    let mut command = quick();
    command.arg(&file).env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.stream());
    assert!(command.status().expect("gravix starts").success());
    drop(command);
    let shown = terminal.read_to_end();
    assert!(shown.starts_with("gravix: 3 done") && !shown.contains('\u{1b}'), "{shown:?}");
    for interval in ["0", "-1", "often", "nan"] {
        let option = format!("--progress={interval}");
        run(batch("mock:", &["--lines", &option]).arg(&file)).exits(2).says(&["--progress"]);
    }
}

/// What a terminal of this width shows during and after a run of 2,003 prompts, of
/// which 3 fail.
fn shown(width: u16) -> String {
    let service = Service::new(|request, _| match prompt(request).as_str() {
        "0" | "1" | "2" => Reply::new("400 Bad Request", "{}"),
        text => Reply::text(text),
    });
    let (_directory, file) = input(&prompts(2003));
    let terminal = Terminal::with_width(width);
    let mut command = batch(&service.base_url(), &["--lines"]);
    command.arg(file).env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.stream());
    let child = command.spawn().expect("gravix starts");
    drop(command);
    let shown = terminal.read_to_end();
    assert_eq!(finish(child).status.code(), Some(4));
    shown
}

/// The lines that were drawn, and what came after them.
fn drawn(shown: &str) -> (Vec<&str>, &str) {
    let mut parts: Vec<&str> = shown.split(ERASE).collect();
    let after = parts.pop().expect("there is a part");
    let lines = parts.iter().filter(|part| !part.is_empty()).map(|part| {
        let line = part.strip_prefix("\u{1b}[?7l").expect("it is drawn without wrapping");
        line.strip_suffix(DRAWN).expect("the cursor goes back to its start")
    });
    (lines.collect(), after)
}

#[test]
fn the_bar_fits_the_terminal_and_is_gone_at_the_end() {
    for (width, parts) in [
        (80, &[" done, ", " failed, ", " requests/s"][..]),
        (40, &[" done, ", " failed"]),
        (10, &[]),
    ] {
        let shown = shown(width);
        let (lines, after) = drawn(&shown);
        assert!(!lines.is_empty(), "{shown:?}");
        for line in lines {
            assert!(line.len() < width.into(), "{line:?}");
            assert!(parts.iter().all(|part| line.contains(part)), "{line:?}");
            assert!(width != 80 || line.starts_with(['#', '>']), "{line:?}");
        }
        assert!(after.starts_with("gravix: 2,000 done, 3 failed"), "{after:?}");
    }
}

#[test]
fn an_interrupted_run_leaves_no_bar_behind() {
    let (service, go_on) = Service::gated();
    let (_directory, file) = input(&prompts(9));
    let mut terminal = Terminal::open();
    let mut command = batch(&service.base_url(), &["--lines", "-j2"]);
    command.arg(file).env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.stream());
    let child = command.spawn().expect("gravix starts");
    drop(command);
    service.wait_for(2);
    release(&go_on, 2);
    service.wait_for(4);
    signal(&child, Signal::SIGINT);
    let note = terminal.read_past("immediately\r\n");
    signal(&child, Signal::SIGINT);
    finish(child);
    assert!(note.contains(&format!("{ERASE}gravix: waiting for 2 requests")), "{note:?}");
    assert_eq!(terminal.read_to_end(), "");
    drop(go_on);
}

#[test]
fn a_stopped_run_leaves_no_bar_behind() {
    let (service, go_on) = Service::gated();
    let (_directory, file) = input(&prompts(9));
    let mut terminal = Terminal::open();
    let mut command = batch(&service.base_url(), &["--lines"]);
    command.arg(file).env("TERM", "xterm").stdout(Stdio::null()).stderr(terminal.stream());
    // As a shell does it.
    command.process_group(0);
    let child = command.spawn().expect("gravix starts");
    drop(command);
    terminal.read_past(DRAWN);
    signal(&child, Signal::SIGTSTP);
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("the process id fits an i32"));
    let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("the process is running");
    assert_eq!(stopped, WaitStatus::Stopped(pid, Signal::SIGSTOP));
    terminal.write("$ ");
    let shown = terminal.read_past("$ ");
    assert!(shown.ends_with(&format!("{ERASE}$ ")), "{shown:?}");
    signal(&child, Signal::SIGCONT);
    terminal.read_past(DRAWN);
    drop(go_on);
    assert!(finish(child).status.success());
}

#[test]
fn a_terminal_that_cannot_erase_gets_lines() {
    let terminal = Terminal::open();
    let (_directory, file) = input(&prompts(3));
    let mut command = batch("mock:", &["--lines", "--progress", "0.000001"]);
    command.arg(file).env("TERM", "dumb").stdout(Stdio::null()).stderr(terminal.stream());
    let child = command.spawn().expect("gravix starts");
    drop(command);
    let shown = terminal.read_to_end();
    assert!(finish(child).status.success());
    assert!(shown.starts_with("gravix: ") && shown.lines().count() > 1, "{shown:?}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}
