//! What gravix says on stderr: one line each, harmless to a terminal.
//! Does not know what is being said.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::cli::VerbosityArgs;
use crate::output::sanitize::push_sanitized;
use crate::secret::{KEY_VARIABLE, Secret};
use crate::settings::environment::Environment;

/// How long gravix waits for something before it says what it waits for.
pub const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verbosity {
    /// Errors alone.
    Quiet,
    Normal,
    /// Each step of an exchange too.
    Verbose,
}

#[derive(Debug, Clone)]
pub struct Notes {
    volume: Verbosity,
    /// Masked wherever they would appear. Shared, so that what is learned
    /// late is masked everywhere.
    keys: Arc<Mutex<Vec<Secret>>>,
}

impl Notes {
    /// Notes of the usual volume.
    pub fn new(environment: &Environment) -> Self {
        let notes = Self { volume: Verbosity::Normal, keys: Arc::default() };
        let key = environment.get(KEY_VARIABLE).map(|key| Secret::parse(key, KEY_VARIABLE));
        // A key that is not one is told by whoever needs it.
        if let Some(Ok(key)) = key {
            notes.keep_secret(key);
        }
        notes
    }

    /// The same, of the volume that the user wants.
    pub fn at(&self, args: &VerbosityArgs) -> Self {
        let volume = match (args.quiet, args.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
            (false, true) => Verbosity::Verbose,
        };
        Self { volume, ..self.clone() }
    }

    /// The same for one of many requests: what would be a note is a detail.
    pub fn for_many(&self) -> Self {
        let volume = if self.is_verbose() { Verbosity::Verbose } else { Verbosity::Quiet };
        Self { volume, ..self.clone() }
    }

    pub fn is_verbose(&self) -> bool {
        self.volume == Verbosity::Verbose
    }

    pub fn is_quiet(&self) -> bool {
        self.volume == Verbosity::Quiet
    }

    /// Masks `key` too from now on.
    pub fn keep_secret(&self, key: Secret) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }

    pub fn error(&self, message: impl Display) {
        say(self.masked(message.to_string()));
    }

    /// Shows text of several lines as it is, but for what harms a terminal.
    pub fn show(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut shown = Vec::new();
        push_sanitized(&mut shown, &self.masked(text.to_owned()));
        if !shown.ends_with(b"\n") {
            shown.push(b'\n');
        }
        let _ = std::io::stderr().write_all(&shown);
    }

    /// `text` without the keys.
    pub fn masked(&self, text: String) -> String {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().fold(text, |text, key| key.mask(&text))
    }

    pub fn warn(&self, message: impl Display) {
        self.note(format_args!("warning: {message}"));
    }

    pub fn note(&self, message: impl Display) {
        if self.volume >= Verbosity::Normal {
            self.error(message);
        }
    }

    /// For `--verbose` alone.
    pub fn detail(&self, message: impl Display) {
        if self.volume >= Verbosity::Verbose {
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
