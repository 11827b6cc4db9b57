//! `gravix history`: show, check, repair and undo conversations.

pub mod pager;
pub mod transcript;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::cli::{ChangeArgs, HistoryCommand, ShowArgs};
use crate::commands::history::pager::Pager;
use crate::commands::history::transcript::Transcript;
use crate::commands::observers::history_notices;
use crate::commands::text_hints;
use crate::error::{Error, LineFormat, Result};
use crate::files::lines::Lines;
use crate::history::conversation::{History, HistoryOptions};
use crate::history::line::role;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::repair::move_bad_lines;
use crate::history::scan::Window;
use crate::output::notes::{Notes, Verbosity};
use crate::output::sanitize::escape_controls;
use crate::output::stdout::{self, TextMode, TextWriter, stdout_error};
use crate::output::terminal::Terminal;
use crate::settings::context::Context;
use crate::settings::environment::Environment;

pub fn run(command: HistoryCommand, context: &Context) -> Result<()> {
    let Context { environment, terminal, .. } = *context;
    let notes = |quiet| {
        context.notes.with_verbosity(if quiet { Verbosity::Quiet } else { Verbosity::Normal })
    };
    match command {
        HistoryCommand::Show(args) => show(&args, environment, terminal, &notes(false)),
        HistoryCommand::Check(args) => check(&args.files, terminal, &notes(false)),
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
    // Other turns only append, so the lock is not needed for reading.
    history.release();
    let size = terminal.size();
    let transcript = Transcript {
        mode: if args.raw { TextMode::Exact } else { terminal.text_mode() },
        width: size.map(|size| size.width),
        has_colour: size.is_some() && environment.get("NO_COLOR").is_none(),
    };
    let stdout = stdout::stdout_file()?;
    match size {
        None => {
            let mut stdout = BufWriter::new(stdout);
            let written = write_messages(&history, &transcript, &args.file, &mut stdout)?;
            written.and_then(|()| stdout.flush()).map_err(stdout_error)
        }
        Some(size) => {
            let mut pager = Pager::new(stdout, size.height, environment);
            let written = write_messages(&history, &transcript, &args.file, &mut pager)?;
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

/// Reads the history and writes its messages. The inner result is an error of
/// writing.
fn write_messages(
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

/// Checks every file, also after one that cannot be read.
fn check(files: &[PathBuf], terminal: Terminal, notes: &Notes) -> Result<()> {
    let mut count = 0;
    let mut is_known_format = false;
    let mut invalid_files = Vec::new();
    let mut unreadable = None;
    for file in files {
        match check_file(file, terminal, notes) {
            Ok(InvalidLines { count: 0, .. }) => {}
            Ok(invalid) => {
                count += invalid.count;
                is_known_format |= invalid.is_known_format;
                invalid_files.push(file);
            }
            // The first unreadable file is the error of the whole command.
            Err(error @ Error::Unreadable { .. }) if unreadable.is_none() => {
                unreadable = Some(error);
            }
            Err(error @ Error::Unreadable { .. }) => notes.print(error),
            Err(error) => return Err(error),
        }
    }
    match (unreadable, invalid_files.as_slice()) {
        (Some(error), _) => Err(error),
        (None, []) => Ok(()),
        (None, [file]) => {
            let path = Some(file.to_path_buf());
            Err(Error::InvalidLines { count, path, is_known_format })
        }
        (None, _) => Err(Error::InvalidLines { count, path: None, is_known_format }),
    }
}

/// The invalid lines of a history.
#[derive(Default)]
struct InvalidLines {
    count: u64,
    /// One of them is in a known other format: it is not damaged.
    is_known_format: bool,
}

impl InvalidLines {
    /// Counts a line. Returns the hint for it, with a semicolon, if this is the
    /// first one in a known format.
    fn add(&mut self, format: Option<LineFormat>, path: &Path) -> String {
        self.count += 1;
        let is_first = !self.is_known_format;
        self.is_known_format |= format.is_some();
        let hint = format.filter(|_| is_first);
        let hint = hint.and_then(|format| text_hints::for_history(format, path));
        hint.map(|hint| format!("; {hint}")).unwrap_or_default()
    }
}

/// Prints each invalid line of a history and how much is in it.
fn check_file(path: &Path, terminal: Terminal, notes: &Notes) -> Result<InvalidLines> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let history =
        History::open_unchecked(path, Access::Read, LockWait::Forever, &history_notices(notes))?;
    let mut report = stdout::writer(terminal.text_mode())?;
    if let Err(error) = history.ensure_text(path) {
        return check_foreign(error, path, report);
    }
    let (mut turns, mut messages, mut length) = (0_u64, 0_u64, 0);
    let mut invalid_lines = InvalidLines::default();
    let name = path.display();
    let mut lines = Lines::from_file(history.file()).map_err(unreadable)?;
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        length = line.range().end;
        match role(line.text) {
            Ok(None) => {}
            Ok(Some(role)) => {
                messages += 1;
                turns += u64::from(role == "user");
            }
            Err(invalid) => {
                let hint = invalid_lines.add(invalid.format, path);
                let torn = if invalid.is_torn && !line.is_terminated { "torn: " } else { "" };
                let text = format!("{name}:{}: {torn}{}{hint}\n", line.number, invalid.reason);
                report.write(&text).map_err(stdout_error)?;
            }
        }
    }
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let counts = format!(
        "{name}: {turns} turn{}, {messages} message{}, {length} byte{}",
        plural(turns),
        plural(messages),
        plural(length)
    );
    let written = report.write(&counts).and_then(|()| report.finish());
    written.map_err(stdout_error)?;
    Ok(invalid_lines)
}

/// Prints `error`, that of a file that is not text, as the only invalid line.
fn check_foreign(error: Error, path: &Path, mut report: TextWriter<File>) -> Result<InvalidLines> {
    let Error::Line { format, .. } = &error else {
        return Err(error);
    };
    let mut invalid_lines = InvalidLines::default();
    let hint = invalid_lines.add(*format, path);
    let written = report.write(&format!("{error}{hint}")).and_then(|()| report.finish());
    written.map_err(stdout_error)?;
    Ok(invalid_lines)
}

fn repair(args: &ChangeArgs, notes: &Notes) -> Result<()> {
    let moved = move_bad_lines(&args.file, &history_notices(notes))?;
    let name = args.file.display();
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
fn undo(args: &ChangeArgs, terminal: Terminal, notes: &Notes) -> Result<()> {
    let path = &args.file;
    let window = Window::Turns(1);
    let options = HistoryOptions { access: Access::Change, window, wait: LockWait::Forever };
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
    let text = if terminal.stdout { escape_controls(&lines) } else { lines };
    // Removed only after it is printed, so that a failure loses nothing.
    stdout::print(&text, TextMode::Exact)?;
    history.truncate(turn.start)
}
