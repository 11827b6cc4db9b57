//! An interactive program on a pseudo-terminal of its own, and what its screen shows.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::terminal::Terminal;
use super::{program, signal};

/// How long a test waits for what the screen must show. Only failures take so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running program. It ends with the test.
pub struct Screen {
    child: Child,
    keyboard: File,
    shown: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// All that was written.
    written: Vec<u8>,
}

impl Screen {
    /// Starts `command` as the leader of the terminal's session.
    pub fn start(command: &Command, rows: NonZero<u16>, columns: NonZero<u16>) -> Self {
        let terminal = Terminal::with_rows(rows.get(), columns.get());
        let mut leader = program("setsid");
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            value.map(|value| leader.env(name, value));
        }
        if let Some(directory) = command.get_current_dir() {
            leader.current_dir(directory);
        }
        if command.get_envs().all(|(name, _)| name != "TERM") {
            leader.env("TERM", "xterm-256color");
        }
        leader.stdin(terminal.stream()).stdout(terminal.stream()).stderr(terminal.stream());
        let child = leader.spawn().expect("the program starts");
        drop(leader);
        let keyboard = terminal.into_master();
        let shown = read_in_background(&keyboard);
        let parser = vt100::Parser::new(rows, columns, 1000);
        Self { child, keyboard, shown, parser, written: Vec::new() }
    }

    pub fn type_keys(&mut self, keys: impl AsRef<[u8]>) {
        self.keyboard.write_all(keys.as_ref()).expect("the program reads");
    }

    /// Waits until the screen shows `part`, and returns all that it shows.
    #[track_caller]
    pub fn wait_for(&mut self, part: &str) -> String {
        self.wait_until(part, |text| text.contains(part))
    }

    /// Waits until what the screen shows is as wanted.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, is_wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if is_wanted(&text) {
                return text;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shown.recv_timeout(left) else {
                panic!("no {what:?} on the screen:\n{text}");
            };
            self.show(&bytes);
        }
    }

    /// Waits until `part` was written to the terminal this many times.
    #[track_caller]
    pub fn wait_until_written(&mut self, part: &str, times: usize) {
        let end = Instant::now() + PATIENCE;
        while self.written().matches(part).count() < times {
            let left = end.saturating_duration_since(Instant::now());
            let bytes = self.shown.recv_timeout(left).expect("it is written again");
            self.show(&bytes);
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.written.extend(bytes);
    }

    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// All that was written to the terminal so far, with its escape sequences.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }

    /// Gives the terminal another size, which sends SIGWINCH.
    pub fn resize(&mut self, rows: NonZero<u16>, columns: NonZero<u16>) {
        let terminal = File::open(format!("/proc/{}/fd/0", self.child.id())).expect("a terminal");
        let size = ["rows".to_owned(), rows.to_string(), "cols".to_owned(), columns.to_string()];
        let mut stty = program("stty");
        let set = stty.args(size).stdin(terminal).status().expect("stty runs");
        assert!(set.success());
        self.parser.screen_mut().set_size(rows, columns);
    }

    pub fn signal(&self, number: Signal) {
        signal(&self.child, number);
    }

    /// Waits until the program has ended, and returns its status and the screen.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, String) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.show(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it goes on:\n{}", self.text()),
            }
        }
        (self.child.wait().expect("the program has ended"), self.text())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_in_background(terminal: &File) -> Receiver<Vec<u8>> {
    let mut terminal = terminal.try_clone().expect("the descriptor is duplicated");
    let (sender, shown) = channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = terminal.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    shown
}
