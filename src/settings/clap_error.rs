//! What clap answers in place of arguments: help and version, printed, or a
//! refusal, made into an error of one line.

use std::error::Error as _;
use std::io::{self, Write};

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use crate::error::{Error, Result};
use crate::output::stdout::stdout_error;

/// Prints help and version on standard output; all else is an error.
///
/// # Errors
/// [`Error::Usage`] for what clap refuses, and those of standard output.
pub fn answer(refusal: &clap::Error) -> Result<()> {
    match refusal.kind() {
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion => {
            refusal.print().and_then(|()| io::stdout().flush()).map_err(stdout_error)
        }
        ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // The error below says enough where help cannot be printed.
            let _ = refusal.print();
            Err(Error::Usage("no command given".to_owned()))
        }
        ClapErrorKind::InvalidSubcommand => Err(Error::Usage(no_such_command(refusal))),
        _ => Err(Error::Usage(one_line(&refusal.render().to_string()))),
    }
}

/// A question without its command is the likeliest mistake of all.
fn no_such_command(refusal: &clap::Error) -> String {
    let report = refusal.render().to_string();
    let is_question = report.contains("Usage: gravix <COMMAND>")
        && refusal.get(ContextKind::SuggestedSubcommand).is_none();
    match refusal.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if is_question => {
            format!("there is no command '{word}'; a question goes to ask: gravix ask \"…\"")
        }
        _ => one_line(&report),
    }
}

/// Why clap refuses a value, in one line, without the value where that is
/// known: it may be a secret.
pub fn reason(refusal: &clap::Error) -> String {
    match refusal.source() {
        Some(why) => why.to_string(),
        None => reason_in(&refusal.render().to_string()),
    }
}

/// clap's report of several lines, and where the usage is told.
fn one_line(report: &str) -> String {
    reason_in(report) + "; see --help"
}

/// What is wrong, and clap's tips.
fn reason_in(report: &str) -> String {
    let mut line = String::new();
    let before_usage = report.split("\n\nUsage:").next().unwrap_or_default();
    let told = |text: &&str| !text.is_empty() && !text.starts_with("For more information");
    for text in before_usage.lines().map(str::trim).filter(told) {
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
