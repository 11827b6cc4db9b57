//! Messages on stderr: one line each, sanitized.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::Result;
use crate::output::sanitize::push_sanitized;
use crate::output::wait_line;
use crate::secret::Secrets;

/// How long gravix waits before it says what it is waiting for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which messages are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// Errors, warnings and notes.
    Normal,
    /// Connections, headers and timings too.
    Verbose,
}

/// Prints messages on stderr. Errors of writing are ignored: there is nowhere
/// left to report them.
#[derive(Debug, Clone)]
pub struct Notes {
    verbosity: Verbosity,
    /// Masked in the text of servers.
    secrets: Secrets,
}

impl Notes {
    /// Prints at normal verbosity.
    pub fn new(secrets: Secrets) -> Self {
        Self { verbosity: Verbosity::Normal, secrets }
    }

    /// A copy with this verbosity.
    pub fn with_verbosity(&self, verbosity: Verbosity) -> Self {
        Self { verbosity, ..self.clone() }
    }

    /// The secrets to mask in the text of servers and commands.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// A copy for messages about single requests of a batch: notes and warnings
    /// are printed only with `--verbose`.
    pub fn for_batch(&self) -> Self {
        let verbosity = if self.is_verbose() { Verbosity::Verbose } else { Verbosity::Quiet };
        Self { verbosity, ..self.clone() }
    }

    pub fn is_verbose(&self) -> bool {
        self.verbosity == Verbosity::Verbose
    }

    pub fn is_quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// Prints `message` at any verbosity.
    pub fn print(&self, message: impl Display) {
        print_line(message);
    }

    /// Prints a reply, of any number of lines, without the program's name in
    /// front. Secrets in it are masked.
    pub fn show(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut lines = Vec::new();
        push_sanitized(&mut lines, &self.secrets.mask(text.to_owned()));
        if !lines.ends_with(b"\n") {
            lines.push(b'\n');
        }
        write(&lines);
    }

    /// Prints a warning, unless `--quiet`.
    pub fn warn(&self, message: impl Display) {
        self.note(format_args!("warning: {message}"));
    }

    /// The first of two results that is an error. If both are, the later one is only a
    /// warning.
    ///
    /// # Errors
    /// The first error.
    pub fn first_error(&self, first: Result<()>, later: Result<()>) -> Result<()> {
        if first.is_err() {
            later.unwrap_or_else(|error| self.warn(error));
            return first;
        }
        later
    }

    /// Prints a note, unless `--quiet`.
    pub fn note(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.print(message);
        }
    }

    /// Prints a detail, with `--verbose` only.
    pub fn detail(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            self.print(message);
        }
    }

    /// Runs `work`, and prints `message` as a note if it takes more than a
    /// second. Also returns whether it did.
    pub fn while_waiting<T: Send>(
        &self,
        message: &str,
        work: impl FnOnce() -> T + Send,
    ) -> (T, bool) {
        thread::scope(|scope| {
            let (done, waiting) = mpsc::channel::<()>();
            let announce = move || {
                let is_late = waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
                if is_late {
                    self.note(message);
                }
                is_late
            };
            // Without a thread to be had, the work is done without the message.
            let announcer = thread::Builder::new().spawn_scoped(scope, announce);
            let result = work();
            drop(done);
            let is_late = announcer.is_ok_and(|announcer| announcer.join().unwrap_or(false));
            (result, is_late)
        })
    }
}

/// Prints `gravix: message` on stderr, on one line.
pub fn print_line(message: impl Display) {
    let mut line = b"gravix: ".to_vec();
    push_sanitized(&mut line, &message.to_string().replace(['\n', '\t'], " "));
    line.push(b'\n');
    write(&line);
}

fn write(lines: &[u8]) {
    let _ = wait_line::erased_while(|| std::io::stderr().write_all(lines));
}
