//! The lines that `gravix doctor` prints, one for each step.

use std::fmt::Display;
use std::fs::File;
use std::io;

use crate::commands::hints::Hints;
use crate::error::{Error, Result, Status};
use crate::output::stdout::{self, TextWriter, stdout_error};
use crate::output::terminal::Terminal;

/// What is checked, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Configuration,
    BaseUrl,
    Key,
    Dns,
    Connection,
    Tls,
    Models,
    Question,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Configuration,
        Self::BaseUrl,
        Self::Key,
        Self::Dns,
        Self::Connection,
        Self::Tls,
        Self::Models,
        Self::Question,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::BaseUrl => "base URL",
            Self::Key => "key",
            Self::Dns => "DNS",
            Self::Connection => "connection",
            Self::Tls => "TLS",
            Self::Models => "models",
            Self::Question => "question",
        }
    }

    fn later(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |step| *step > self)
    }
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    Fine,
    /// The question decides whether it matters.
    Warning,
}

/// Prints each line as soon as it is known.
pub struct Report {
    stdout: TextWriter<File>,
    /// The step that is not reported yet.
    current: Step,
}

impl Report {
    /// # Errors
    /// [`Error::Stdout`] if standard output is closed.
    pub fn open(terminal: Terminal) -> Result<Self> {
        Ok(Self { stdout: stdout::writer(terminal.text_mode())?, current: Step::Configuration })
    }

    /// The step that is not reported yet.
    pub fn current(&self) -> Step {
        self.current
    }

    /// Reports `step`, unless that was done before.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::StdoutClosed`].
    pub fn print(&mut self, step: Step, finding: Finding, detail: impl Display) -> Result<()> {
        if step < self.current {
            return Ok(());
        }
        self.current = step.later().next().unwrap_or(step);
        let word = match finding {
            Finding::Fine => "ok",
            Finding::Warning => "warning",
        };
        self.line(word, step.name(), detail).map_err(stdout_error)
    }

    /// Reports the fault that ends the current step, what to do about it, and which
    /// steps are left out. Returns the error to end with.
    pub fn fail(&mut self, error: Error, hints: &Hints) -> Error {
        let status = match error.status() {
            // A fault of standard output cannot be reported there.
            _ if matches!(error, Error::Stdout(_) | Error::StdoutClosed) => return error,
            Status::Exit(status) => status,
            Status::Quiet(_) | Status::Signal(_) => return error,
        };
        let (text, hint) = hints.text_and_hint(&error);
        let skipped: Vec<&str> = self.current.later().map(Step::name).collect();
        let written = self.line("failed", self.current.name(), text).and_then(|()| {
            hint.map_or(Ok(()), |hint| self.line("to do", "", hint))?;
            match skipped.is_empty() {
                true => Ok(()),
                false => self.line("skipped", "", skipped.join(", ")),
            }
        });
        written.map_or_else(stdout_error, |()| Error::Diagnosed(status))
    }

    fn line(&mut self, word: &str, step: &str, detail: impl Display) -> io::Result<()> {
        let detail = detail.to_string().replace(['\n', '\t'], " ");
        self.stdout.write(&format!("{word:<8} {step:<14} {detail}\n"))?;
        self.stdout.flush()
    }
}
