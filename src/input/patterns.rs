//! Patterns such as `src/**/*.rs` in place of files, as the shell has them.

use std::fs;
use std::io::{self, ErrorKind};
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

/// As in the shell, `*` does not match the dot of a hidden file.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Any number of directories.
const RECURSIVE: &str = "**";

/// The files that match, sorted by the bytes of their paths.
fn files(path: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    glob::Pattern::new(pattern).map_err(|error| {
        unreadable(path, io::Error::other(format!("not a valid pattern: {}", error.msg)))
    })?;
    let mut parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    parts.dedup_by(|one, other| *one == RECURSIVE && one == other);
    // At the end, it stands for all files below too.
    parts.extend(parts.last().filter(|last| **last == RECURSIVE).map(|_| "*"));
    let root = if pattern.starts_with('/') { "/" } else { "" };
    let mut files = Vec::new();
    // Only a directory has a slash behind its name.
    if !pattern.ends_with('/') {
        find(Path::new(root), &parts, &mut files)?;
    }
    if files.is_empty() {
        return Err(unreadable(path, io::Error::other("no file matches this pattern")));
    }
    files.sort_by(|one, other| one.as_os_str().as_bytes().cmp(other.as_os_str().as_bytes()));
    files.dedup();
    Ok(files)
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::Unreadable { path: path.to_owned(), source }
}

/// Finds the files below `base` that match the parts of a pattern. The walk of the glob
/// crate panics at names that are not UTF-8, and its `**` follows symbolic links, also
/// in circles.
fn find(base: &Path, parts: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    let Some((part, rest)) = parts.split_first() else {
        match fs::metadata(base) {
            Ok(metadata) if metadata.is_file() => files.push(base.to_owned()),
            // A link that leads nowhere is told when it is read.
            Err(_) if base.symlink_metadata().is_ok() => files.push(base.to_owned()),
            Err(error) if !is_absence(&error) => return Err(unreadable(base, error)),
            _ => {}
        }
        return Ok(());
    };
    if *part == RECURSIVE {
        find(base, rest, files)?;
    } else if !part.contains(WILDCARDS) || is_named(base, part, rest) {
        return find(&base.join(part), rest, files);
    }
    let directory = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => {}
        Err(error) if !is_absence(&error) => return Err(unreadable(directory, error)),
        _ => return Ok(()),
    }
    let name_pattern = if *part == RECURSIVE { "*" } else { part };
    let Ok(name_pattern) = glob::Pattern::new(name_pattern) else {
        return Ok(());
    };
    let failed = |source| unreadable(directory, source);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        // A name that is not UTF-8 matches as the text that is shown of it.
        if !name_pattern.matches_with(&name.to_string_lossy(), OPTIONS) {
            continue;
        }
        let path = base.join(&name);
        if *part != RECURSIVE {
            find(&path, rest, files)?;
        } else if entry.file_type().map_err(failed)?.is_dir() {
            find(&path, parts, files)?;
        }
    }
    Ok(())
}

/// Whether there is nothing, and not something that cannot be seen.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether a directory has this very name, such as `a[b]`: that of the configuration
/// file is put in front of a pattern.
fn is_named(base: &Path, part: &str, rest: &[&str]) -> bool {
    !rest.is_empty() && base.join(part).is_dir()
}
