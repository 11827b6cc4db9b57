//! Printing a reply as it arrives.

use std::fs::File;
use std::io::{self, Stderr};

use crate::chat::event::Event;
use crate::chat::thoughts::{SplitText, ThoughtSplitter, ThoughtsPolicy};
use crate::commands::ask::plan::{AskPlan, PrintMode, ReasoningStyle};
use crate::error::{Error, Result};
use crate::json;
use crate::output::notes::Notes;
use crate::output::reasoning::ReasoningWriter;
use crate::output::stdout::{TextWriter, stdout_error};
use crate::output::wait_line::WaitLine;

pub struct Display<'a> {
    live: LiveOutput<'a>,
    /// Takes thoughts off the text; `None` if they are part of it.
    splitter: Option<ThoughtSplitter>,
    /// `None` drops the reasoning.
    reasoning: Option<ReasoningWriter<Stderr>>,
    /// Until something is printed.
    wait: WaitLine,
}

/// What is printed on standard output before the reply is whole.
enum LiveOutput<'a> {
    Text(&'a mut TextWriter<File>),
    Events(&'a mut TextWriter<File>),
    Nothing,
}

impl<'a> Display<'a> {
    /// The wait for the reply begins now.
    pub fn new(plan: &AskPlan, stdout: &'a mut TextWriter<File>, notes: &Notes) -> Self {
        let takes_thoughts = plan.policy.thoughts != ThoughtsPolicy::Keep;
        Self {
            live: match plan.print {
                PrintMode::Events => LiveOutput::Events(stdout),
                PrintMode::Stream => LiveOutput::Text(stdout),
                PrintMode::Whole | PrintMode::Response | PrintMode::Nothing => LiveOutput::Nothing,
            },
            splitter: takes_thoughts.then(ThoughtSplitter::default),
            reasoning: plan.reasoning.map(|style| {
                ReasoningWriter::stderr(style == ReasoningStyle::Dim, notes.secrets())
            }),
            wait: WaitLine::begin(plan.can_erase && !notes.is_quiet()),
        }
    }

    /// Prints an event. Text stays in the buffer until the next
    /// [`Event::Waiting`] or until the buffer is full.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::StdoutClosed`] if it cannot be printed.
    pub fn show(&mut self, event: &Event) -> Result<()> {
        match (&mut self.live, event) {
            (_, Event::Reasoning(text)) => {
                self.show_reasoning(text);
                Ok(())
            }
            (_, Event::Text(text)) => match &mut self.splitter {
                None => self.show_text(text),
                Some(splitter) => {
                    let split = splitter.push(text);
                    self.show_split(&split)
                }
            },
            (LiveOutput::Events(stdout), Event::Payload(payload)) => {
                self.wait.end();
                stdout.write(&(json::compact(payload.text()) + "\n"))
            }
            (live, Event::Waiting) => {
                self.reasoning.iter_mut().for_each(ReasoningWriter::flush);
                live.writer().map_or(Ok(()), TextWriter::flush)
            }
            _ => Ok(()),
        }
        .map_err(stdout_error)
    }

    fn show_split(&mut self, split: &SplitText) -> io::Result<()> {
        self.show_reasoning(&split.thoughts);
        self.show_text(&split.text)
    }

    fn show_reasoning(&mut self, text: &str) {
        match &mut self.reasoning {
            _ if text.is_empty() => {}
            Some(reasoning) => {
                self.wait.end();
                reasoning.write(text);
            }
            None => self.wait.received(),
        }
    }

    fn show_text(&mut self, text: &str) -> io::Result<()> {
        match &mut self.live {
            _ if text.is_empty() => Ok(()),
            LiveOutput::Text(stdout) => {
                self.wait.end();
                self.reasoning.iter_mut().for_each(ReasoningWriter::end);
                stdout.write(text)
            }
            LiveOutput::Events(_) | LiveOutput::Nothing => {
                self.wait.received();
                Ok(())
            }
        }
    }

    /// The question is asked again: the wait for the reply begins anew.
    pub fn wait_again(&mut self) {
        self.wait.begin_again();
    }

    /// Prints the text that was held back, and ends the reasoning.
    fn end(&mut self) -> io::Result<()> {
        self.wait.end();
        let split = self.splitter.as_mut().map(ThoughtSplitter::end).unwrap_or_default();
        let shown = self.show_split(&split);
        self.reasoning.iter_mut().for_each(ReasoningWriter::end);
        shown
    }

    /// Ends a whole reply with a newline.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::StdoutClosed`] if it cannot be printed.
    pub fn finish(&mut self) -> Result<()> {
        let ended = self.end();
        let finished = self.live.writer().map_or(Ok(()), TextWriter::finish);
        ended.and(finished).map_err(stdout_error)
    }

    /// Ends a reply that broke off with `error`. Returns the error to report.
    pub fn abort(&mut self, error: Error) -> Error {
        match (self.finish_partial(), error) {
            (_, error @ (Error::Stdout(_) | Error::StdoutClosed)) => error,
            (Err(write_error), _) => stdout_error(write_error),
            (Ok(true), error) => Error::Partial(Box::new(error)),
            (Ok(false), error) => error,
        }
    }

    /// Ends what was printed so far with a newline. Returns false if nothing was
    /// printed.
    fn finish_partial(&mut self) -> io::Result<bool> {
        self.end()?;
        match self.live.writer() {
            Some(stdout) if !stdout.is_empty() => stdout.finish().map(|()| true),
            _ => Ok(false),
        }
    }
}

impl LiveOutput<'_> {
    fn writer(&mut self) -> Option<&mut TextWriter<File>> {
        match self {
            Self::Text(stdout) | Self::Events(stdout) => Some(stdout),
            Self::Nothing => None,
        }
    }
}
