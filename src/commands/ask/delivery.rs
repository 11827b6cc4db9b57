//! What is done with a reply that has come: it is printed or written to a
//! file.

use std::fs::File;

use serde_json::json;

use crate::chat::reply::Reply;
use crate::chat::tool_call::ToolCall;
use crate::chat::turn::{CheckedReply, InvalidReply};
use crate::commands::ask::log::RequestLog;
use crate::commands::ask::plan::{AskPlan, Destination, PrintMode};
use crate::error::{Error, Result};
use crate::files::paths::identity;
use crate::history::conversation::History;
use crate::output::file::OutputFile;
use crate::output::notes::Notes;
use crate::output::stdout::{Bytes, Output, stdout_error};

/// The files that a turn writes beside its history, all of them writable.
pub struct Destinations {
    pub delivery: Delivery,
    pub log: Option<RequestLog>,
}

impl Destinations {
    /// Makes sure that the files of `--output` and `--log` can be written.
    ///
    /// # Errors
    /// [`Error::Unwritable`], and [`Error::Usage`] for a log on standard
    /// output.
    pub fn prepare(plan: &AskPlan) -> Result<Self> {
        let base_url = plan.endpoint.base_url.to_string();
        let open = |log| RequestLog::open(log, &plan.fields["model"], &base_url);
        let log = plan.log.as_ref().map(open).transpose()?;
        Ok(Self { delivery: Delivery::prepare(&plan.destination)?, log })
    }

    /// A history, a reply and a log are three files.
    ///
    /// # Errors
    /// [`Error::Usage`] if two of them are the same.
    pub fn ensure_apart(&self, history: Option<&History>) -> Result<()> {
        let output = match &self.delivery {
            Delivery::Stdout => None,
            Delivery::File { file, .. } => file.metadata(),
        };
        let files = [
            ("--history", history.and_then(|history| history.file().metadata().ok())),
            ("--log", self.log.as_ref().and_then(RequestLog::metadata)),
            ("--output", output),
        ];
        let files: Vec<_> = files
            .into_iter()
            .filter_map(|(option, metadata)| Some((option, identity(&metadata?)?)))
            .collect();
        for (at, (option, file)) in files.iter().enumerate() {
            if let Some((other, _)) = files[..at].iter().find(|(_, other)| other == file) {
                return Err(Error::Usage(format!("{other} and {option} name the same file")));
            }
        }
        Ok(())
    }
}

/// Where a whole reply goes.
#[derive(Debug)]
pub enum Delivery {
    Stdout,
    /// `terminal_bytes` is for a file that is a terminal.
    File {
        file: OutputFile,
        terminal_bytes: Bytes,
    },
}

impl Delivery {
    fn prepare(destination: &Destination) -> Result<Self> {
        let Some(path) = &destination.file else {
            return Ok(Self::Stdout);
        };
        let terminal_bytes = destination.terminal_bytes;
        Ok(Self::File { file: OutputFile::prepare(path)?, terminal_bytes })
    }

    /// Prints what was not printed as it came. Text that comes with calls
    /// goes to standard error, so that standard output has only calls. An
    /// invalid reply goes there too: it was paid for.
    ///
    /// # Errors
    /// [`Error::Stdout`], [`Error::StdoutClosed`] and [`Error::NotSaved`];
    /// [`Error::Format`] and [`Error::Protocol`] for an invalid reply.
    pub fn deliver(
        &self,
        mode: PrintMode,
        checked: &CheckedReply,
        stdout: &mut Output<File>,
        notes: &Notes,
    ) -> Result<()> {
        let CheckedReply { reply, calls, problem, .. } = checked;
        match (problem, mode) {
            (Some(fault @ InvalidReply::Format { .. }), _) => {
                show_rejected(reply, notes);
                Err(fault.clone().into())
            }
            (fault, PrintMode::Response) => {
                let response = reply.response.finish(&reply.text, calls);
                let response = response.inspect_err(|_| show_rejected(reply, notes))?;
                self.print(&response, stdout)?;
                fault.as_ref().map_or(Ok(()), |fault| unless_cut(fault, reply))
            }
            (Some(fault), _) => {
                show_rejected(reply, notes);
                unless_cut(fault, reply)
            }
            (None, PrintMode::Stream | PrintMode::Whole) if !calls.is_empty() => {
                if mode == PrintMode::Whole {
                    notes.show(checked.text());
                }
                self.print(&calls.iter().map(line).collect::<String>(), stdout)
            }
            (None, PrintMode::Whole) => self.print(checked.text(), stdout),
            (None, _) => Ok(()),
        }
    }

    fn print(&self, text: &str, stdout: &mut Output<File>) -> Result<()> {
        let mut print = || stdout.write(text).and_then(|()| stdout.finish()).map_err(stdout_error);
        match self {
            Self::Stdout => print(),
            // An empty reply is no reason to replace a file.
            Self::File { .. } if text.is_empty() => Ok(()),
            Self::File { file, terminal_bytes } => {
                file.commit(text, *terminal_bytes).inspect_err(|_| {
                    // The reply was paid for: it is not lost with its file.
                    let _ = print();
                })
            }
        }
    }
}

/// Shows a reply that was paid for, although it cannot be used.
pub fn show_rejected(reply: &Reply, notes: &Notes) {
    notes.show(&reply.text);
    notes.show(&reply.calls.raw());
}

/// The fault of a call, unless the reply was cut: that is reported instead.
fn unless_cut(fault: &InvalidReply, reply: &Reply) -> Result<()> {
    if reply.is_cut() { Ok(()) } else { Err(fault.clone().into()) }
}

/// A call as a line of JSON.
fn line(call: &ToolCall) -> String {
    let call = json!({"id": call.id, "name": call.name, "arguments": call.arguments});
    format!("{call}\n")
}
