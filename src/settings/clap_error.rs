//! What clap returns instead of arguments: help and version, which are printed,
//! or an error, which becomes one line.

use std::error::Error as _;
use std::io::{self, Write};

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use crate::error::{Error, Result};
use crate::output::stdout::{self, stdout_error};
use crate::secret::spelling::REDACTED;

/// Prints help and version to standard output; returns everything else as an
/// error.
///
/// # Errors
/// [`Error::Usage`] for invalid arguments, [`Error::Stdout`] or
/// [`Error::StdoutClosed`] if help or version cannot be printed.
pub fn handle(error: &clap::Error) -> Result<()> {
    match error.kind() {
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion => {
            stdout::ensure_open()?;
            error.print().and_then(|()| io::stdout().flush()).map_err(stdout_error)
        }
        ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // The error below is enough if help cannot be printed.
            let _ = error.print();
            Err(Error::Usage("no command given".to_owned()))
        }
        ClapErrorKind::InvalidSubcommand => Err(Error::Usage(unknown_command(error))),
        _ => Err(Error::Usage(one_line(&report(error)))),
    }
}

/// clap's report. The value of a header is left out, as it may be a secret.
fn report(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue)) {
        (Some(option), Some(header)) if option.starts_with("--header ") => {
            let name = header.split_once(':').map_or("", |(name, _)| name);
            let colon = if name.is_empty() { "" } else { ": " };
            format!("invalid value '{name}{colon}{REDACTED}' for '{option}': {}", reason(error))
        }
        _ => error.render().to_string(),
    }
}

/// The message for an unknown command. The most likely mistake is a question
/// without `ask`.
fn unknown_command(error: &clap::Error) -> String {
    let report = error.render().to_string();
    let is_question = report.contains("Usage: gravix <COMMAND>")
        && error.get(ContextKind::SuggestedSubcommand).is_none();
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if is_question => {
            format!("no command '{word}'; to ask a question, use gravix ask \"…\"")
        }
        _ => one_line(&report),
    }
}

/// Why clap rejects a value, in one line. Leaves out the value if possible, as
/// it may be a secret.
pub fn reason(error: &clap::Error) -> String {
    match error.source() {
        Some(source) => source.to_string(),
        None => summary(&error.render().to_string()),
    }
}

/// clap's report in one line, with a pointer to `--help`.
fn one_line(report: &str) -> String {
    summary(report) + "; see --help"
}

/// The error and the tips of clap's report, in one line.
fn summary(report: &str) -> String {
    let mut line = String::new();
    let before_usage = report.split("\n\nUsage:").next().unwrap_or_default();
    let is_kept = |text: &&str| !text.is_empty() && !text.starts_with("For more information");
    for text in before_usage.lines().map(str::trim).filter(is_kept) {
        let text = text.strip_prefix("error: ").unwrap_or(text);
        let tip = text.strip_prefix("tip: ");
        line += match tip {
            _ if line.is_empty() => "",
            Some(_) => "; ",
            None => " ",
        };
        line += tip.unwrap_or(text);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claps_report_becomes_one_line() {
        for (report, line) in [
            (
                "error: unexpected argument '--strem' found\n\n  tip: a similar argument exists: '--stream'\n\nUsage: gravix ask\n",
                "unexpected argument '--strem' found; a similar argument exists: '--stream'; see --help",
            ),
            (
                "error: invalid value 'x' for '<SHELL>'\n  [possible values: bash]\n\nFor more information, try '--help'.\n",
                "invalid value 'x' for '<SHELL>' [possible values: bash]; see --help",
            ),
        ] {
            assert_eq!(one_line(report), line);
        }
    }
}
