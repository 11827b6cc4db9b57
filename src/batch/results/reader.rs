//! Reading the lines of a result file, and what it has besides results.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use crate::batch::results::bad_lines::BadLines;
use crate::batch::results::spool;
use crate::batch::results::stored_reply::ResultJudge;
use crate::batch::results::stored_result::{InvalidResult, StoredResult};
use crate::error::{Error, Result};
use crate::files::lines::{Line, Lines};

/// What is not a result in a result file.
#[derive(Debug, Default)]
pub struct Flaws {
    pub bad: BadLines,
    /// The range of a torn last line.
    pub torn: Option<Range<u64>>,
    /// How many lines the file has, of any kind.
    pub lines: u64,
}

/// Calls `visit` with each result of a file and its line.
///
/// # Errors
/// [`Error::Line`] for a line that is JSON but not a result, or is not JSON in a file
/// without any result; and [`Error::Unreadable`].
pub fn read_results(
    file: &File,
    path: &Path,
    judge: &ResultJudge,
    mut visit: impl FnMut(&StoredResult, &Line),
) -> Result<Flaws> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let lines = Lines::from_file(file).map_err(unreadable)?;
    read_lines(lines, path, |text, line| {
        visit(&StoredResult::parse(text, judge)?, line);
        Ok(())
    })
}

/// Calls `visit` with each line of the file at `path` that should be a result, and with
/// its text without white space around it. `visit` says why it is none.
///
/// # Errors
/// [`Error::Line`] for a line that is JSON but not a result, or is not JSON in a file
/// without any result; and [`Error::Unreadable`].
pub fn read_lines<R: Read>(
    mut lines: Lines<R>,
    path: &Path,
    mut visit: impl FnMut(&[u8], &Line) -> Result<(), InvalidResult>,
) -> Result<Flaws> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let (mut flaws, mut has_results) = (Flaws::default(), false);
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        flaws.lines = line.number;
        let text = line.content().trim_ascii();
        // A spool can be read as a result file: only its header is different.
        if text.is_empty() || (line.number == 1 && text.starts_with(spool::HEADER_START)) {
            continue;
        }
        match visit(text, &line) {
            Ok(()) => has_results = true,
            Err(invalid @ InvalidResult::Other) => {
                return Err(Error::Line {
                    path: path.to_owned(),
                    line: line.number,
                    reason: invalid.to_string(),
                    format: None,
                });
            }
            Err(_) if !line.is_terminated => flaws.torn = Some(line.range()),
            Err(invalid) => flaws.bad.add(&line, invalid),
        }
    }
    match flaws.bad.error(path) {
        Some(error) if !has_results => Err(error),
        _ => Ok(flaws),
    }
}
