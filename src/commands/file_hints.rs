//! What the user can do about a file or a directory that is not there.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::files::shell;

/// The way out for a file that cannot be written because its directory is missing.
pub fn for_unwritable(path: &Path, source: &io::Error) -> Option<String> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty())?;
    let is_missing = source.kind() == ErrorKind::NotFound && !directory.exists();
    is_missing
        .then(|| format!("make its directory first: mkdir -p {}", shell::path_word(directory)))
}

/// The way out for a file of requests that is not there: a name with blanks is more
/// likely a question. `options` say where it goes.
pub fn for_missing_requests(path: &Path, source: &io::Error, options: &str) -> Option<String> {
    let name = path.to_str().filter(|name| name.contains(' '))?;
    let is_missing = source.kind() == ErrorKind::NotFound;
    is_missing.then(|| format!("to ask a question, use gravix ask{options} {}", shell::word(name)))
}

/// What to do where there is no history to go on with. `options` are those of the server.
pub fn for_no_history(options: &str, is_chat: bool) -> String {
    match is_chat {
        true => format!("start one with gravix chat{options}"),
        false => format!("start one with gravix ask{options} --history @chat \"…\""),
    }
}
