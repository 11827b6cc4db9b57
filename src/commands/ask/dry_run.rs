//! The request as it would be sent, printed.

use std::io::{self, Read};

use crate::cli::AskArgs;
use crate::commands::ask::curl;
use crate::commands::ask::question::Question;
use crate::error::Result;
use crate::output::stdout;
use crate::output::stdout::{Bytes, stdout_error};
use crate::settings::key::KeySource;
use crate::settings::network::Network;

/// Prints the body, or a curl command that sends it.
///
/// # Errors
/// Those of standard output, of [`curl::head`], and of reading the history.
pub fn print(
    args: &AskArgs,
    network: &Network,
    key: Option<&KeySource>,
    question: &Question,
    streams: bool,
    bytes: Bytes,
) -> Result<()> {
    let (head, tail) = match args.output.curl {
        true => (curl::head(network, key, streams)?, curl::tail()),
        false => (String::new(), "\n".to_owned()),
    };
    let body = question.body(None);
    let mut sketch = head.as_bytes().chain(body.reader()).chain(tail.as_bytes());
    let fault = |error: io::Error| error.downcast().unwrap_or_else(stdout_error);
    if bytes == Bytes::Sanitized {
        let mut text = Vec::new();
        sketch.read_to_end(&mut text).map_err(fault)?;
        // JSON has another form for what a terminal must not see.
        let text = String::from_utf8_lossy(&text);
        let harmless = text.chars().map(|c| match c {
            '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        });
        return stdout::print(&harmless.collect::<String>(), bytes);
    }
    io::copy(&mut sketch, &mut stdout::stdout_file()?).map(drop).map_err(fault)
}
