//! Patterns such as `src/**/*.rs` in place of files, as the shell has them.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use glob::MatchOptions;

use crate::cli::prompt_part::PromptPart;
use crate::error::{Error, Result};

const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Puts all files that match in place of each file that is a pattern.
///
/// # Errors
/// [`Error::Unreadable`] if no file matches, the pattern is not valid, or a directory
/// cannot be read.
pub fn expand(parts: Vec<PromptPart>) -> Result<Vec<PromptPart>> {
    let mut expanded = Vec::new();
    for part in parts {
        match part {
            PromptPart::File(path) => match pattern(&path) {
                Some(text) => {
                    expanded.extend(files(&path, text)?.into_iter().map(PromptPart::File));
                }
                None => expanded.push(PromptPart::File(path)),
            },
            other => expanded.push(other),
        }
    }
    Ok(expanded)
}

/// The text of a pattern. A file of that very name is no pattern.
fn pattern(path: &Path) -> Option<&str> {
    let text = path.to_str().filter(|text| text.contains(WILDCARDS))?;
    path.symlink_metadata().is_err().then_some(text)
}

/// As in the shell: `*` matches neither a slash nor the dot of a hidden file. The crate
/// finds no hidden file at all then, so a part such as `.h*` allows all of them.
fn options(pattern: &str) -> MatchOptions {
    let is_hidden = |part: &str| part.starts_with('.') && part.contains(WILDCARDS);
    MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: !pattern.split('/').any(is_hidden),
    }
}

/// The files that match, sorted by the bytes of their paths.
fn files(path: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let unreadable = |path: &Path, source| Error::Unreadable { path: path.to_owned(), source };
    let matches = glob::glob_with(pattern, options(pattern)).map_err(|error| {
        unreadable(path, io::Error::other(format!("not a valid pattern: {}", error.msg)))
    })?;
    let mut files = Vec::new();
    for found in matches {
        let found = found.map_err(|error| {
            let path = error.path().to_owned();
            unreadable(&path, error.into())
        })?;
        if found.is_file() {
            files.push(found);
        }
    }
    if files.is_empty() {
        return Err(unreadable(path, io::Error::other("no file matches this pattern")));
    }
    files.sort_by(|one, other| one.as_os_str().as_bytes().cmp(other.as_os_str().as_bytes()));
    Ok(files)
}
