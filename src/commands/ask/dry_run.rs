//! Dry runs: print the request instead of sending it.

use std::io::{self, Read};

use crate::commands::ask::curl::{self, CurlHead};
use crate::commands::ask::plan::AskPlan;
use crate::commands::ask::question::AskQuestion;
use crate::error::Result;
use crate::exchange::Question;
use crate::output::notes::Notes;
use crate::output::sanitize::escape_controls;
use crate::output::stdout::{self, TextMode, stdout_error};

/// Prints the body, behind the head of a curl command that sends it if there is
/// one.
///
/// # Errors
/// [`Error::Unreadable`] for the history; [`Error::Stdout`] or
/// [`Error::StdoutClosed`] if the request cannot be printed.
///
/// [`Error::Unreadable`]: crate::error::Error::Unreadable
/// [`Error::Stdout`]: crate::error::Error::Stdout
/// [`Error::StdoutClosed`]: crate::error::Error::StdoutClosed
pub fn print(
    plan: &AskPlan,
    curl: Option<CurlHead>,
    question: &AskQuestion,
    notes: &Notes,
) -> Result<()> {
    let (head, tail) = match curl {
        Some(CurlHead { command, notes: remarks }) => {
            remarks.iter().for_each(|remark| notes.note(remark));
            (command, curl::tail())
        }
        None => (String::new(), "\n".to_owned()),
    };
    let body = question.body(None);
    let mut request = head.as_bytes().chain(body.reader()).chain(tail.as_bytes());
    // An error of reading the history carries our own error.
    let to_error = |error: io::Error| error.downcast().unwrap_or_else(stdout_error);
    let mode = plan.output.stdout_mode;
    if mode == TextMode::Sanitized {
        let mut text = Vec::new();
        request.read_to_end(&mut text).map_err(to_error)?;
        // Escapes keep the JSON valid.
        return stdout::print(&escape_controls(&String::from_utf8_lossy(&text)), mode);
    }
    io::copy(&mut request, &mut stdout::stdout_file()?).map(drop).map_err(to_error)
}
