//! What gravix says on stderr: one line each, harmless to a terminal.
//! Does not know what is being said.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::cli::VolumeArgs;
use crate::environment::Environment;
use crate::secret::Secret;
use crate::terminal::push_harmless;

/// How long gravix waits for something before it says what it waits for.
pub const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Volume {
    /// Errors alone.
    Quiet,
    Normal,
    /// Each step of an exchange too.
    Verbose,
}

#[derive(Debug, Clone)]
pub struct Notes {
    volume: Volume,
    /// Masked wherever it would appear.
    key: Option<Secret>,
}

impl Notes {
    pub fn new(args: &VolumeArgs, environment: &Environment) -> Self {
        let volume = match (args.quiet, args.verbose) {
            (true, _) => Volume::Quiet,
            (false, false) => Volume::Normal,
            (false, true) => Volume::Verbose,
        };
        Self { volume, ..Self::quiet(environment) }
    }

    /// For errors alone.
    pub fn quiet(environment: &Environment) -> Self {
        // A key that is not one is told by whoever needs it.
        let key = Secret::from_environment(environment).ok().flatten();
        Self { volume: Volume::Quiet, key }
    }

    pub fn error(&self, message: impl Display) {
        say(self.masked(message.to_string()));
    }

    /// `text` without the key.
    pub fn masked(&self, text: String) -> String {
        match &self.key {
            Some(key) => key.mask(&text),
            None => text,
        }
    }

    pub fn warn(&self, message: impl Display) {
        self.note(format_args!("warning: {message}"));
    }

    pub fn note(&self, message: impl Display) {
        if self.volume >= Volume::Normal {
            self.error(message);
        }
    }

    /// For `--verbose` alone.
    pub fn detail(&self, message: impl Display) {
        if self.volume >= Volume::Verbose {
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
    push_harmless(&mut line, &message.to_string().replace(['\n', '\t'], " "));
    line.push(b'\n');
    let _ = std::io::stderr().write_all(&line);
}
