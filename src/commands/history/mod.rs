//! `gravix history`: conversations for people, and their upkeep.

pub mod pager;
pub mod transcript;

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::anyhow;

use crate::cli::{ChangeArgs, HistoryCommand, ShowArgs};
use crate::commands::history::pager::Pager;
use crate::commands::history::transcript::Transcript;
use crate::commands::observers::history_notices;
use crate::error::{Error, Result};
use crate::files::lines::Lines;
use crate::history::conversation::{History, HistoryOptions};
use crate::history::line::role;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::repair::move_bad_lines;
use crate::history::scan::Window;
use crate::output::notes::{Notes, Verbosity};
use crate::output::sanitize::escape_controls;
use crate::output::stdout::{self, Bytes, stdout_error};
use crate::output::terminal::Terminal;
use crate::settings::context::Context;
use crate::settings::environment::Environment;

pub fn run(command: HistoryCommand, context: &Context) -> Result<()> {
    let Context { environment, terminal, .. } = *context;
    let notes = |quiet| context.notes.at(if quiet { Verbosity::Quiet } else { Verbosity::Normal });
    match command {
        HistoryCommand::Show(args) => show(&args, environment, terminal, &notes(false)),
        HistoryCommand::Check(args) => {
            let notes = notes(false);
            let mut faults = 0;
            let mut unread = None;
            for file in &args.files {
                match check(file, terminal, &notes) {
                    Ok(found) => faults += found,
                    // The first is told at the end.
                    Err(error @ Error::Unreadable { .. }) if unread.is_none() => {
                        unread = Some(error);
                    }
                    Err(error @ Error::Unreadable { .. }) => notes.error(error),
                    Err(error) => return Err(error),
                }
            }
            match unread {
                Some(error) => Err(error),
                None if faults > 0 => Err(Error::InvalidLines(faults)),
                None => Ok(()),
            }
        }
        HistoryCommand::Repair(args) => repair(&args, &notes(args.quiet)),
        HistoryCommand::Undo(args) => undo(&args, terminal, &notes(args.quiet)),
    }
}

fn show(
    args: &ShowArgs,
    environment: &Environment,
    terminal: Terminal,
    notes: &Notes,
) -> Result<()> {
    let window = args.last.map_or(Window::All, Window::Turns);
    let options = HistoryOptions { access: Access::Read, window, wait: LockWait::Forever };
    let history = History::open(&args.file, options, &history_notices(notes))?;
    // Turns may go on while it is read: they append.
    history.release();
    let bytes = if terminal.stdout && !args.raw { Bytes::Sanitized } else { Bytes::Exact };
    let size = terminal.size();
    let has_colour = size.is_some() && environment.get("NO_COLOR").is_none();
    let transcript = Transcript { bytes, width: size.map(|size| size.width), has_colour };
    let screen = stdout::stdout_file()?;
    match size {
        None => {
            let mut screen = io::BufWriter::new(screen);
            let shown = print(&history, &transcript, &args.file, &mut screen)?;
            shown.and_then(|()| screen.flush()).map_err(stdout_error)
        }
        Some(size) => {
            let mut pager = Pager::new(screen, size.height, environment);
            let shown = print(&history, &transcript, &args.file, &mut pager)?;
            let has_pager = pager.finish().map_err(stdout_error)?;
            match shown {
                _ if !has_pager => Err(Error::Config(anyhow!("the pager of $PAGER cannot be run"))),
                // A pager that is left early is no fault.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other.map_err(stdout_error),
            }
        }
    }
}

/// Reads the history and writes its transcript. The inner result is that of
/// the writing.
fn print(
    history: &History,
    transcript: &Transcript,
    path: &Path,
    out: &mut impl Write,
) -> Result<io::Result<()>> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let mut is_first = true;
    for range in history.ranges() {
        let mut lines = BufReader::new(history.read_range(range).map_err(unreadable)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
            let written = transcript.write(&line, is_first, out);
            is_first &= !matches!(written, Ok(true));
            if let Err(error) = written {
                return Ok(Err(error));
            }
            line.clear();
        }
    }
    Ok(Ok(()))
}

/// Prints each fault of a history and what else is in it. Gives the number of
/// faults.
fn check(path: &Path, terminal: Terminal, notes: &Notes) -> Result<u64> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let history =
        History::open_unchecked(path, Access::Read, LockWait::Forever, &history_notices(notes))?;
    let bytes = if terminal.stdout { Bytes::Sanitized } else { Bytes::Exact };
    let mut report = stdout::stdout(bytes)?;
    let (mut turns, mut messages, mut length, mut faults) = (0_u64, 0_u64, 0, 0);
    let shown = path.display();
    let mut lines = Lines::from_file(history.file()).map_err(unreadable)?;
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        length = line.range().end;
        match role(line.text) {
            Ok(None) => {}
            Ok(Some(role)) => {
                messages += 1;
                turns += u64::from(role == "user");
            }
            Err(fault) => {
                faults += 1;
                let torn = if fault.is_torn && !line.is_terminated { "torn: " } else { "" };
                let text = format!("{shown}:{}: {torn}{}\n", line.number, fault.reason);
                report.write(&text).map_err(stdout_error)?;
            }
        }
    }
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let counts = format!(
        "{shown}: {turns} turn{}, {messages} message{}, {length} byte{}",
        plural(turns),
        plural(messages),
        plural(length)
    );
    let written = report.write(&counts).and_then(|()| report.finish());
    written.map_err(stdout_error)?;
    Ok(faults)
}

fn repair(args: &ChangeArgs, notes: &Notes) -> Result<()> {
    let moved = move_bad_lines(&args.file, &history_notices(notes))?;
    let shown = args.file.display();
    if moved.lines == 0 {
        notes.note(format_args!("{shown} needs no repair"));
        return Ok(());
    }
    let mut numbers: Vec<_> = moved.first.iter().map(ToString::to_string).collect();
    if moved.lines > moved.first.len() as u64 {
        numbers.push("…".to_owned());
    }
    let (count, numbers) = (moved.lines, numbers.join(", "));
    notes.note(format_args!("moved {count} of the lines of {shown} to {shown}.bad: {numbers}"));
    Ok(())
}

/// Prints the lines of the newest turn, then cuts them off.
fn undo(args: &ChangeArgs, terminal: Terminal, notes: &Notes) -> Result<()> {
    let path = &args.file;
    let options = HistoryOptions {
        access: Access::Change,
        window: Window::Turns(1),
        wait: LockWait::Forever,
    };
    let history = History::open(path, options, &history_notices(notes))?;
    let [_, turn] = history.ranges();
    let lines = history
        .read_range(turn.clone())
        .and_then(io::read_to_string)
        .map_err(|source| Error::Unreadable { path: path.clone(), source })?;
    let first = lines.lines().next().unwrap_or_default();
    if role(first.as_bytes()) != Ok(Some("user".to_owned())) {
        return Err(Error::Usage(format!("{} has no turn to undo", path.display())));
    }
    let shown = if terminal.stdout { escape_controls(&lines) } else { lines };
    // Printed first, then removed, so that it is always somewhere.
    stdout::print(&shown, Bytes::Exact)?;
    history.truncate(turn.start)
}
