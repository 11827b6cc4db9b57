//! `gravix history`: list, show, check, repair, fork and undo conversations.

pub mod check;
pub mod document;
pub mod last_turn;
pub mod list;
pub mod pager;
pub mod saved_message;
pub mod transcript;

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::anyhow;

use crate::cli::{ForkArgs, HistoryCommand, ShowArgs};
use crate::commands::hints::Hints;
use crate::commands::history::last_turn::LastTurn;
use crate::commands::history::pager::Pager;
use crate::commands::history::transcript::Transcript;
use crate::commands::observers::history_notices;
use crate::error::{Error, Result};
use crate::history::conversation::History;
use crate::history::fork;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::options::HistoryOptions;
use crate::history::repair::move_bad_lines;
use crate::history::scan::Window;
use crate::output::markdown::style::Look;
use crate::output::notes::{Notes, Verbosity};
use crate::output::sanitize::escape_controls;
use crate::output::stdout::{self, TextMode, stdout_error};
use crate::output::terminal::Terminal;
use crate::output::window::Size;
use crate::settings::chats;
use crate::settings::context::Context;
use crate::settings::environment::Environment;
use crate::settings::rendering;

pub fn run(command: HistoryCommand, context: &Context, hints: &Hints) -> Result<()> {
    let Context { environment, terminal, .. } = *context;
    let resolve = |path: &Path| chats::resolve(path, environment);
    let notes = |quiet| {
        context.notes.with_verbosity(if quiet { Verbosity::Quiet } else { Verbosity::Normal })
    };
    match command {
        HistoryCommand::List(args) => list::run(&args, context, hints),
        HistoryCommand::Show(args) => show(&args, environment, terminal, &notes(false)),
        HistoryCommand::Check(args) => {
            let files = args.files.iter().map(|file| resolve(file)).collect::<Result<Vec<_>>>()?;
            check::run(&files, terminal, &notes(false))
        }
        HistoryCommand::Repair(args) => repair(&resolve(&args.file)?, &notes(args.quiet)),
        HistoryCommand::Undo(args) => undo(&resolve(&args.file)?, terminal, &notes(args.quiet)),
        HistoryCommand::Fork(args) => fork(&args, environment, &notes(args.quiet)),
    }
}

fn show(
    args: &ShowArgs,
    environment: &Environment,
    terminal: Terminal,
    notes: &Notes,
) -> Result<()> {
    let path = chats::resolve(&args.file, environment)?;
    let window = args.last.map_or(Window::All, Window::Turns);
    let options = HistoryOptions { access: Access::Read, window, wait: LockWait::Forever };
    let history = History::open(&path, options, &history_notices(notes))?;
    // Other turns only append, so the lock is not needed for reading.
    history.release();
    let size = terminal.size();
    let mode = match args.raw {
        true => TextMode::Exact,
        false if args.document => terminal.text_mode(),
        false => rendering::text_mode(args.markdown, terminal, environment),
    };
    let layout = match args.document {
        true => Layout::Document(mode),
        false => Layout::Transcript(transcript_in(mode, size, environment)),
    };
    let stdout = stdout::stdout_file()?;
    match size {
        None => {
            let mut stdout = BufWriter::new(stdout);
            let written = write_messages(&history, &layout, &path, &mut stdout)?;
            written.and_then(|()| stdout.flush()).map_err(stdout_error)
        }
        Some(size) => {
            let mut pager = Pager::new(stdout, size.height, environment);
            let written = write_messages(&history, &layout, &path, &mut pager)?;
            let could_run = pager.finish().map_err(stdout_error)?;
            match written {
                _ if !could_run => Err(Error::Config(anyhow!("cannot run the pager in $PAGER"))),
                // The user left the pager before the end.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other.map_err(stdout_error),
            }
        }
    }
}

/// A transcript for a terminal of this size, or for a pipe.
pub fn transcript_in(mode: TextMode, size: Option<Size>, environment: &Environment) -> Transcript {
    let width = size.map(|size| size.width);
    let has_colour = width.is_some() && environment.get("NO_COLOR").is_none();
    match mode {
        TextMode::Markdown { look, width } => {
            Transcript { mode, width: Some(width.columns()), is_bold: look != Look::Plain }
        }
        _ => Transcript { mode, width, is_bold: has_colour },
    }
}

/// How a conversation is shown.
enum Layout {
    Transcript(Transcript),
    Document(TextMode),
}

impl Layout {
    /// Writes the message on `line`, after a blank line unless it is the first.
    /// Returns false if `line` is blank.
    fn write(&self, line: &[u8], is_first: bool, out: &mut impl Write) -> io::Result<bool> {
        match self {
            Self::Transcript(transcript) => transcript.write(line, is_first, out),
            Self::Document(mode) => document::write(line, is_first, *mode, out),
        }
    }
}

/// Reads the history and writes its messages. The inner result is an error of
/// writing.
fn write_messages(
    history: &History,
    layout: &Layout,
    path: &Path,
    out: &mut impl Write,
) -> Result<io::Result<()>> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut is_first = true;
    for range in history.ranges() {
        let mut lines = BufReader::new(history.read_range(range).map_err(unreadable)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
            let written = layout.write(&line, is_first, out);
            is_first &= !matches!(written, Ok(true));
            if let Err(error) = written {
                return Ok(Err(error));
            }
            line.clear();
        }
    }
    Ok(Ok(()))
}

fn repair(path: &Path, notes: &Notes) -> Result<()> {
    let moved = move_bad_lines(path, &history_notices(notes))?;
    let name = path.display();
    if moved.lines == 0 {
        notes.note(format_args!("{name} needs no repair"));
        return Ok(());
    }
    let mut numbers: Vec<_> = moved.first.iter().map(ToString::to_string).collect();
    if moved.lines > moved.first.len() as u64 {
        numbers.push("…".to_owned());
    }
    let (count, numbers) = (moved.lines, numbers.join(", "));
    let plural = if count == 1 { "" } else { "s" };
    notes.note(format_args!("moved {count} line{plural} of {name} to {name}.bad: {numbers}"));
    Ok(())
}

/// Prints the lines of the newest turn, then removes them.
fn undo(path: &Path, terminal: Terminal, notes: &Notes) -> Result<()> {
    let turn = LastTurn::open(path, notes)?;
    let text = if terminal.stdout { escape_controls(&turn.lines) } else { turn.lines.clone() };
    // Removed only after it is printed, so that a failure loses nothing.
    stdout::print(&text, TextMode::Exact)?;
    turn.remove()
}

/// Copies a history, or its first turns, to a new file.
fn fork(args: &ForkArgs, environment: &Environment, notes: &Notes) -> Result<()> {
    if args.output == Path::new("-") {
        let message = "a history cannot be standard output; for a file named -, use ./-";
        return Err(Error::Usage(message.to_owned()));
    }
    let (path, new) =
        (chats::resolve(&args.file, environment)?, chats::resolve(&args.output, environment)?);
    let options =
        HistoryOptions { access: Access::Read, window: Window::All, wait: LockWait::Forever };
    let history = History::open(&path, options, &history_notices(notes))?;
    let turns = args.at.map_or(history.scan().turns, u64::from);
    let end = match args.at {
        Some(_) => fork::end_of_turn(&history, turns)?,
        None => history.scan().end,
    };
    chats::directory_of(&new, environment).as_deref().map_or(Ok(()), chats::create)?;
    fork::copy(&history, end, &new)?;
    let plural = if turns == 1 { "" } else { "s" };
    notes.note(format_args!(
        "copied {turns} turn{plural} of {} to {}",
        path.display(),
        new.display()
    ));
    Ok(())
}
