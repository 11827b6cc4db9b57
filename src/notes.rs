//! What gravix says on stderr: one line each, harmless to a terminal.
//! Does not know what is being said.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::terminal::push_harmless;

/// How long gravix waits for something before it says what it waits for.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub struct Notes {
    quiet: bool,
}

impl Notes {
    /// `quiet` drops notes and warnings.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    pub fn note(self, message: impl Display) {
        if !self.quiet {
            say(message);
        }
    }

    pub fn warn(self, message: impl Display) {
        self.note(format_args!("warning: {message}"));
    }

    /// Runs `work`, and notes `message` once if it takes more than a second.
    pub fn while_waiting<T: Send>(self, message: &str, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let (done, waiting) = mpsc::channel::<()>();
            scope.spawn(move || {
                if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    self.note(message);
                }
            });
            let result = work();
            drop(done);
            result
        })
    }
}

/// Writes `gravix: message` on stderr. That it cannot be written is not
/// reported: there is nowhere left to say so.
pub fn say(message: impl Display) {
    let mut line = b"gravix: ".to_vec();
    push_harmless(&mut line, &message.to_string().replace(['\n', '\t'], " "));
    line.push(b'\n');
    let _ = std::io::stderr().write_all(&line);
}
