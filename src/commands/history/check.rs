//! `gravix history check`: report every line that is not a message.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::commands::observers::history_notices;
use crate::commands::text_hints;
use crate::error::{Error, LineFormat, Result};
use crate::files::lines::Lines;
use crate::history::conversation::History;
use crate::history::line::role;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::output::notes::Notes;
use crate::output::stdout::{self, TextWriter, stdout_error};
use crate::output::terminal::Terminal;

/// Checks every file, also after one that cannot be read.
pub fn run(files: &[PathBuf], terminal: Terminal, notes: &Notes) -> Result<()> {
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
