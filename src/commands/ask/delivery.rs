//! Where a whole reply goes: standard output or a file.

use std::fs::File;

use serde_json::json;

use crate::chat::reply::Reply;
use crate::chat::tool_call::ToolCall;
use crate::chat::turn::{CheckedReply, InvalidReply};
use crate::commands::ask::log::QuestionLog;
use crate::commands::ask::plan::{AskPlan, OutputPlan, PrintMode};
use crate::commands::hints::Hints;
use crate::error::{Error, Result};
use crate::files::paths::identity;
use crate::history::conversation::History;
use crate::output::file::OutputFile;
use crate::output::notes::Notes;
use crate::output::stdout::{self, TextMode, TextWriter, stdout_error};

/// The files that a turn writes besides its history.
pub struct TurnFiles {
    pub destination: ReplyDestination,
    pub log: Option<QuestionLog>,
}

impl TurnFiles {
    /// Checks that standard output or the file of `--output` can be written,
    /// and opens that of `--log`.
    ///
    /// # Errors
    /// [`Error::Stdout`] or [`Error::Unwritable`] if one of them cannot be
    /// written, and [`Error::Usage`] for a log on standard output.
    pub fn prepare(plan: &AskPlan, hints: &Hints) -> Result<Self> {
        let destination = ReplyDestination::prepare(&plan.output, plan.print)?;
        let base_url = plan.endpoint.base_url.to_string();
        let open = |log| QuestionLog::open(log, &plan.fields["model"], &base_url, hints);
        let log = plan.log.as_ref().map(open).transpose()?;
        Ok(Self { destination, log })
    }

    /// Checks that the history, the output and the log are different files.
    ///
    /// # Errors
    /// [`Error::Usage`] if two of them are the same file.
    pub fn ensure_distinct(&self, history: Option<&History>) -> Result<()> {
        let output = match &self.destination {
            ReplyDestination::Stdout => None,
            ReplyDestination::File { file, .. } => file.metadata(),
        };
        let files = [
            ("--history", history.and_then(|history| history.file().metadata().ok())),
            ("--log", self.log.as_ref().and_then(QuestionLog::metadata)),
            ("--output", output),
        ];
        let files: Vec<_> = files
            .into_iter()
            .filter_map(|(option, metadata)| Some((option, identity(&metadata?)?)))
            .collect();
        for (index, (option, file)) in files.iter().enumerate() {
            if let Some((other, _)) = files[..index].iter().find(|(_, other)| other == file) {
                return Err(Error::Usage(format!("{other} and {option} name the same file")));
            }
        }
        Ok(())
    }
}

/// Where a whole reply is written.
#[derive(Debug)]
pub enum ReplyDestination {
    Stdout,
    /// The file of `--output`.
    File {
        file: OutputFile,
        /// Used if the file is a terminal.
        terminal_mode: TextMode,
    },
}

impl ReplyDestination {
    fn prepare(plan: &OutputPlan, print: PrintMode) -> Result<Self> {
        match &plan.file {
            None => {
                if print != PrintMode::Nothing {
                    stdout::ensure_open()?;
                }
                Ok(Self::Stdout)
            }
            Some(path) => {
                let file = OutputFile::prepare(path)?;
                Ok(Self::File { file, terminal_mode: plan.terminal_mode })
            }
        }
    }

    /// Prints what was not printed while the reply arrived. An invalid reply is
    /// printed on stderr, because it was paid for; so is text beside tool calls,
    /// because stdout then has only calls.
    ///
    /// # Errors
    /// [`Error::Stdout`], [`Error::StdoutClosed`] or [`Error::NotSaved`] if the
    /// reply cannot be written; [`Error::Format`] or [`Error::Protocol`] if it is
    /// invalid; [`Error::CannotJoin`] if the chunks of a response cannot be
    /// joined.
    pub fn deliver(
        &self,
        mode: PrintMode,
        checked: &CheckedReply,
        stdout: &mut TextWriter<File>,
        notes: &Notes,
    ) -> Result<()> {
        let CheckedReply { reply, calls, problem, .. } = checked;
        match (problem, mode) {
            (Some(problem @ InvalidReply::Format { .. }), _) => {
                show_rejected(reply, notes);
                Err(problem.clone().into())
            }
            (problem, PrintMode::Response) => {
                let response = reply.response(calls);
                let response = response.inspect_err(|_| show_rejected(reply, notes))?;
                self.print(&response, stdout)?;
                problem.as_ref().map_or(Ok(()), |problem| fail_unless_cut(problem, reply))
            }
            (Some(problem), _) => {
                show_rejected(reply, notes);
                fail_unless_cut(problem, reply)
            }
            (None, PrintMode::Stream | PrintMode::Whole) if !calls.is_empty() => {
                if mode == PrintMode::Whole {
                    notes.show(checked.text());
                }
                stdout.stop_rendering();
                self.print(&calls.iter().map(call_line).collect::<String>(), stdout)
            }
            (None, PrintMode::Whole) => self.print(checked.text(), stdout),
            (None, _) => Ok(()),
        }
    }

    fn print(&self, text: &str, stdout: &mut TextWriter<File>) -> Result<()> {
        let mut print = || stdout.write(text).and_then(|()| stdout.finish()).map_err(stdout_error);
        match self {
            Self::Stdout => print(),
            // A file is not replaced by an empty reply.
            Self::File { .. } if text.is_empty() => Ok(()),
            Self::File { file, terminal_mode } => {
                file.commit(text, *terminal_mode).inspect_err(|_| {
                    // The reply was paid for, so it is printed instead.
                    let _ = print();
                })
            }
        }
    }
}

/// Prints an unusable reply on stderr, because it was paid for.
pub fn show_rejected(reply: &Reply, notes: &Notes) {
    notes.show(&reply.text);
    notes.show(&reply.calls.raw());
}

/// Fails with `problem`, unless the reply was cut short. The cut is then reported
/// instead, by [`CheckedReply::failure`].
fn fail_unless_cut(problem: &InvalidReply, reply: &Reply) -> Result<()> {
    if reply.is_cut() { Ok(()) } else { Err(problem.clone().into()) }
}

/// A tool call as a line of JSON.
fn call_line(call: &ToolCall) -> String {
    let call = json!({"id": call.id, "name": call.name, "arguments": call.arguments});
    format!("{call}\n")
}
