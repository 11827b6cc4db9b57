//! What is printed of a reply, when, and where.

use std::fs::File;

use serde_json::json;

use crate::chat::code_block;
use crate::chat::code_block::CodeBlock;
use crate::chat::format::ReplyFormat;
use crate::chat::reply::Reply;
use crate::chat::tool_call::{CallError, ToolCall};
use crate::cli::AskArgs;
use crate::commands::ask::display::Display;
use crate::commands::ask::exchange::CheckedReply;
use crate::commands::ask::log::Log;
use crate::error::{Error, Result};
use crate::files::paths::identity;
use crate::history::History;
use crate::json::Object;
use crate::output::file::OutputFile;
use crate::output::notes::Notes;
use crate::output::stdout::{Bytes, Output, stdout_error};
use crate::output::terminal::Terminal;

/// What is printed.
#[derive(Debug, PartialEq)]
enum What {
    /// The text, or the calls of tools.
    Reply,
    /// The server's response, as JSON.
    Response,
    /// Each event of the stream, as JSON.
    Events,
    /// The exit status says it all.
    Nothing,
}

#[derive(Debug)]
pub struct PrintMode {
    what: What,
    /// It is printed as it comes.
    is_live: bool,
    /// A stream is asked for.
    pub streams: bool,
}

impl PrintMode {
    pub fn choose(args: &AskArgs, form: &ReplyFormat, named: &Object, terminal: Terminal) -> Self {
        let output = &args.output;
        let what = match () {
            () if output.events => What::Events,
            () if output.json => What::Response,
            () if args.form.yes_no => What::Nothing,
            () => What::Reply,
        };
        // What must be looked at as a whole cannot be printed before.
        let is_free = what == What::Reply
            && matches!(form, ReplyFormat::Text)
            && output.extract.is_none()
            && output.extract_last.is_none()
            && args.form.tools.is_none()
            && !named.contains_key("tools")
            && OutputFile::named(output.output.as_deref()).is_none();
        let wants_stream = output.stream || (terminal.stdout && !output.no_stream);
        let is_live = what == What::Events || (is_free && wants_stream);
        let streams = match what {
            What::Events => !output.no_stream,
            _ => output.stream || is_live,
        };
        Self { what, is_live, streams }
    }

    /// Where the reply goes as it comes.
    pub fn live<'a>(&self, stdout: &'a mut Output<File>) -> Display<'a> {
        match (&self.what, self.is_live) {
            (What::Events, _) => Display::Events(stdout),
            (_, true) => Display::Text(stdout),
            (_, false) => Display::Nothing,
        }
    }

    pub fn is_live(&self) -> bool {
        self.is_live
    }

    pub fn is_response(&self) -> bool {
        self.what == What::Response
    }

    /// The server's payloads are wanted, not their meaning alone.
    pub fn wants_payloads(&self) -> bool {
        matches!(self.what, What::Response | What::Events)
    }
}

/// What is to be done when the reply is here.
pub struct Destinations {
    pub delivery: Delivery,
    pub log: Option<Log>,
}

impl Destinations {
    /// Makes sure that the files of `--output` and `--log` can be written.
    ///
    /// # Errors
    /// [`Error::Unwritable`].
    pub fn prepare(args: &AskArgs) -> Result<Self> {
        let log = args.output.log.as_deref().map(Log::open).transpose()?;
        Ok(Self { delivery: Delivery::prepare(args)?, log })
    }

    /// A conversation, a reply and a log are three files.
    ///
    /// # Errors
    /// [`Error::Usage`] when two of them are one.
    pub fn ensure_apart(&self, history: Option<&History>) -> Result<()> {
        let output = match &self.delivery {
            Delivery::Stdout => None,
            Delivery::File { file, .. } => file.metadata(),
        };
        let files = [
            ("--history", history.and_then(|history| history.file().metadata().ok())),
            ("--log", self.log.as_ref().and_then(Log::metadata)),
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

/// Where the reply goes in the end.
#[derive(Debug)]
pub enum Delivery {
    Stdout,
    /// `bytes` holds where the file is a terminal.
    File {
        file: OutputFile,
        bytes: Bytes,
    },
}

impl Delivery {
    /// Makes sure that the file of `--output` can be written.
    ///
    /// # Errors
    /// Those of [`OutputFile::prepare`].
    fn prepare(args: &AskArgs) -> Result<Self> {
        Ok(match OutputFile::named(args.output.output.as_deref()) {
            Some(path) => {
                Self::File { file: OutputFile::prepare(path)?, bytes: terminal_bytes(args) }
            }
            None => Self::Stdout,
        })
    }

    /// Prints what was not printed as it came. Text that comes with calls
    /// goes to standard error, so that standard output has calls alone.
    ///
    /// # Errors
    /// Those of standard output and of the file; [`Error::Format`] for a reply
    /// that has not the form asked for, which is shown on standard error.
    pub fn deliver(
        &self,
        printed: &PrintMode,
        outcome: &CheckedReply,
        stdout: &mut Output<File>,
        notes: &Notes,
    ) -> Result<()> {
        let CheckedReply { reply, calls, .. } = outcome;
        let fault = match (outcome.text(), calls) {
            (Err(fault), _) => Error::Format(fault.clone()),
            (Ok(_), calls) if printed.what == What::Response => {
                match reply.response.finish(&reply.text, outcome.calls()) {
                    Ok(response) => {
                        self.print(&response, stdout)?;
                        return calls.as_ref().map(drop).or_else(|fault| cut_or(fault, reply));
                    }
                    Err(fault) => fault,
                }
            }
            (_, Err(fault)) => {
                lost(reply, notes);
                return cut_or(fault, reply);
            }
            (Ok(text), Ok(calls)) => {
                return match printed.what {
                    What::Reply if !calls.is_empty() => {
                        if !printed.is_live {
                            notes.show(text);
                        }
                        self.print(&calls.iter().map(line).collect::<String>(), stdout)
                    }
                    What::Reply if !printed.is_live => self.print(text, stdout),
                    _ => Ok(()),
                };
            }
        };
        lost(reply, notes);
        Err(fault)
    }

    fn print(&self, text: &str, stdout: &mut Output<File>) -> Result<()> {
        let mut print = || stdout.write(text).and_then(|()| stdout.finish()).map_err(stdout_error);
        match self {
            Self::Stdout => print(),
            // Nothing is no reason to replace a file.
            Self::File { .. } if text.is_empty() => Ok(()),
            Self::File { file, bytes } => file.commit(text, *bytes).inspect_err(|_| {
                // A reply that was paid for is not lost with its file.
                let _ = print();
            }),
        }
    }
}

/// A reply that was paid for is not lost with its form.
fn lost(reply: &Reply, notes: &Notes) {
    notes.show(&reply.text);
    notes.show(&reply.calls.raw());
}

/// The fault of a call, unless the reply was cut: then that is to be told.
fn cut_or(fault: &CallError, reply: &Reply) -> Result<()> {
    if reply.is_cut() { Ok(()) } else { Err(fault.clone().into()) }
}

/// A call as a line of JSON.
fn line(call: &ToolCall) -> String {
    let call = json!({"id": call.id, "name": call.name, "arguments": call.arguments});
    format!("{call}\n")
}

/// What standard output gets to see.
pub fn stdout_bytes(args: &AskArgs, terminal: Terminal) -> Bytes {
    if terminal.stdout { terminal_bytes(args) } else { Bytes::Exact }
}

/// What a terminal gets to see.
fn terminal_bytes(args: &AskArgs) -> Bytes {
    if args.output.raw { Bytes::Exact } else { Bytes::Sanitized }
}

/// The part of a reply that is asked for: all of it, or one code block.
///
/// # Errors
/// Why there is no such block.
pub fn extract(args: &AskArgs, reply: &str) -> Result<String, String> {
    let (language, is_last) = match (&args.output.extract, &args.output.extract_last) {
        (None, None) => return Ok(reply.to_owned()),
        (Some(language), _) => (language, false),
        (None, Some(language)) => (language, true),
    };
    let blocks = code_block::all(reply);
    let is_it = |block: &&CodeBlock| language.is_empty() || block.is_in(language);
    let mut found = blocks.iter().filter(is_it);
    let found = if is_last { found.next_back() } else { found.next() };
    found.map(|block| block.content.clone()).ok_or_else(|| {
        let others: Vec<&str> = blocks
            .iter()
            .map(|block| if block.language.is_empty() { "none" } else { &block.language })
            .collect();
        match language.as_str() {
            "" => "it has no code block".to_owned(),
            language if others.is_empty() => format!("it has no code block in {language}"),
            language => format!("it has no code block in {language}, but in {}", others.join(", ")),
        }
    })
}
