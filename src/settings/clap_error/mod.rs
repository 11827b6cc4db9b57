//! What clap returns instead of arguments: help and version, which are printed,
//! or an error, which becomes one line that says what to type instead.

mod command_line;
mod corrected_option;
mod foreign_options;
mod foreign_words;
mod header_value;
mod misplaced;
pub mod near;
mod unknown_option;
mod unknown_word;

use std::error::Error as _;
use std::ffi::OsString;
use std::io::{self, Write};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use crate::cli::Args;
use crate::error::{Error, Result};
use crate::output::stdout::{self, stdout_error};
use crate::output::terminal::Terminal;
use crate::settings::clap_error::command_line::CommandLine;

/// Prints help and version to standard output; returns everything else as an
/// error. `line` is the command line as typed.
///
/// # Errors
/// [`Error::Usage`] for invalid arguments, [`Error::Stdout`] or
/// [`Error::StdoutClosed`] if help or version cannot be printed.
pub fn handle(error: &clap::Error, line: &[OsString]) -> Result<()> {
    match error.kind() {
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion => print(|| error.print()),
        ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            if line.len() <= 1 && Terminal::detect().stdout {
                return print(|| Args::command().print_help());
            }
            // The error below is enough if help cannot be printed.
            let _ = error.print();
            Err(Error::Usage("no command given".to_owned()))
        }
        _ => Err(Error::Usage(message(error, line))),
    }
}

/// Prints something of clap's to standard output.
fn print(print: impl FnOnce() -> io::Result<()>) -> Result<()> {
    stdout::ensure_open()?;
    print().and_then(|()| io::stdout().flush()).map_err(stdout_error)
}

/// What is wrong with the command line, and what to type instead.
fn message(error: &clap::Error, line: &[OsString]) -> String {
    let line = CommandLine::new(line);
    let invalid = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let hint = match error.kind() {
        ClapErrorKind::InvalidSubcommand => {
            invalid(ContextKind::InvalidSubcommand).map(|word| unknown_word::message(&line, word))
        }
        ClapErrorKind::UnknownArgument => {
            let word = invalid(ContextKind::InvalidArg);
            word.map(|word| unknown_option::message(&line, word))
        }
        ClapErrorKind::MissingRequiredArgument => missing(error, &line),
        ClapErrorKind::ArgumentConflict => misplaced::continued_prompt(&line, error),
        _ => None,
    };
    hint.unwrap_or_else(|| summary(&report(error, &line)) + "; see " + &line.help())
}

/// The message for words that a command needs; `None` for gravix's own error.
fn missing(error: &clap::Error, line: &CommandLine) -> Option<String> {
    let Some(ContextValue::Strings(names)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let bare = |name: &String| name.trim_end_matches("...").trim_matches(['<', '>']).to_owned();
    let names: Vec<String> = names.iter().map(bare).collect();
    let command = line.command_words().join(" ");
    Some(format!("gravix {command} needs {}; see {}", names.join(", "), line.help()))
}

/// clap's report. The value of a header is left out, as it may be a secret.
fn report(error: &clap::Error, line: &CommandLine) -> String {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if option.starts_with("--header ") => {
            let ordinal = header_value::bad_header_ordinal(line.typed());
            format!("invalid {ordinal}--header: {}", reason(error))
        }
        _ => error.render().to_string(),
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

/// The error and the possible values of clap's report, in one line. Its tips name
/// options and values that only look alike.
fn summary(report: &str) -> String {
    let before_usage = report.split("\n\nUsage:").next().unwrap_or_default();
    let is_kept = |text: &&str| {
        !text.is_empty() && !text.starts_with("For more information") && !text.starts_with("tip: ")
    };
    let lines: Vec<&str> = before_usage.lines().map(str::trim).filter(is_kept).collect();
    let line = lines.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claps_report_becomes_one_line() {
        for (report, line) in [
            (
                "error: unexpected argument '--strem' found\n\n  tip: a similar argument exists: '--stream'\n\nUsage: gravix ask\n",
                "unexpected argument '--strem' found",
            ),
            (
                "error: invalid value 'x' for '<SHELL>'\n  [possible values: bash]\n\nFor more information, try '--help'.\n",
                "invalid value 'x' for '<SHELL>' [possible values: bash]",
            ),
        ] {
            assert_eq!(summary(report), line);
        }
    }
}
