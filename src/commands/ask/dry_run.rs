//! The request as it would be sent, printed.

use std::io::{self, Read};

use crate::commands::ask::curl;
use crate::commands::ask::plan::{Action, AskPlan};
use crate::commands::ask::question::AskQuestion;
use crate::error::Result;
use crate::exchange::Question;
use crate::output::sanitize::escape_controls;
use crate::output::stdout::{self, Bytes, stdout_error};
use crate::settings::key::KeySource;

/// Prints the body, or a curl command that sends it. `key` says where the key
/// is, if one is to be sent.
///
/// # Errors
/// [`Error::Stdout`](crate::error::Error::Stdout), `StdoutClosed`, `Usage` for
/// a server that curl cannot reach, and `Unreadable` for the history.
pub fn print(plan: &AskPlan, question: &AskQuestion, key: Option<&KeySource>) -> Result<()> {
    let (head, tail) = match plan.action {
        Action::PrintCurl => (curl::head(&plan.endpoint, key, plan.streams)?, curl::tail()),
        Action::Send | Action::PrintBody => (String::new(), "\n".to_owned()),
    };
    let body = question.body(None);
    let mut shown = head.as_bytes().chain(body.reader()).chain(tail.as_bytes());
    let classed = |error: io::Error| error.downcast().unwrap_or_else(stdout_error);
    let bytes = plan.destination.stdout_bytes;
    if bytes == Bytes::Sanitized {
        let mut text = Vec::new();
        shown.read_to_end(&mut text).map_err(classed)?;
        // JSON can escape what a terminal must not see.
        return stdout::print(&escape_controls(&String::from_utf8_lossy(&text)), bytes);
    }
    io::copy(&mut shown, &mut stdout::stdout_file()?).map(drop).map_err(classed)
}
