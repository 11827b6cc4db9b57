//! What gravix says on stderr: one line each, sanitized for a terminal.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::output::sanitize::push_sanitized;
use crate::secret::Secrets;

/// How long gravix waits for something before it says what it waits for.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only errors.
    Quiet,
    Normal,
    /// Connections, headers and timings too.
    Verbose,
}

#[derive(Debug, Clone)]
pub struct Notes {
    verbosity: Verbosity,
    /// Masked wherever they would appear.
    secrets: Secrets,
}

impl Notes {
    /// Notes of normal verbosity.
    pub fn new(secrets: Secrets) -> Self {
        Self { verbosity: Verbosity::Normal, secrets }
    }

    /// The same with another verbosity.
    pub fn at(&self, verbosity: Verbosity) -> Self {
        Self { verbosity, ..self.clone() }
    }

    /// The secrets that are masked.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The same for one of many requests: what would be a note is a detail.
    pub fn for_many(&self) -> Self {
        let verbosity = if self.is_verbose() { Verbosity::Verbose } else { Verbosity::Quiet };
        Self { verbosity, ..self.clone() }
    }

    pub fn is_verbose(&self) -> bool {
        self.verbosity == Verbosity::Verbose
    }

    pub fn is_quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    pub fn error(&self, message: impl Display) {
        say(self.secrets.mask(message.to_string()));
    }

    /// Shows text of several lines as it is, but for what harms a terminal.
    pub fn show(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut shown = Vec::new();
        push_sanitized(&mut shown, &self.secrets.mask(text.to_owned()));
        if !shown.ends_with(b"\n") {
            shown.push(b'\n');
        }
        let _ = std::io::stderr().write_all(&shown);
    }

    pub fn warn(&self, message: impl Display) {
        self.note(format_args!("warning: {message}"));
    }

    pub fn note(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.error(message);
        }
    }

    /// For `--verbose` alone.
    pub fn detail(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            self.error(message);
        }
    }

    /// Runs `work`, and notes `message` once if it takes more than a second.
    pub fn while_waiting<T: Send>(&self, message: &str, work: impl FnOnce() -> T + Send) -> T {
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
    push_sanitized(&mut line, &message.to_string().replace(['\n', '\t'], " "));
    line.push(b'\n');
    let _ = std::io::stderr().write_all(&line);
}
