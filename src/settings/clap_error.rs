//! What clap returns instead of arguments: help and version, which are printed,
//! or an error, which becomes one line.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::{self, Write};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind};

use crate::cli::Args;
use crate::cli::values::header;
use crate::error::{Error, Result};
use crate::output::stdout::{self, stdout_error};

/// Prints help and version to standard output; returns everything else as an
/// error. `line` is the command line as typed.
///
/// # Errors
/// [`Error::Usage`] for invalid arguments, [`Error::Stdout`] or
/// [`Error::StdoutClosed`] if help or version cannot be printed.
pub fn handle(error: &clap::Error, line: &[OsString]) -> Result<()> {
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
        _ => Err(Error::Usage(one_line(&report(error, line)))),
    }
}

/// clap's report. The value of a header is left out, as it may be a secret.
fn report(error: &clap::Error, line: &[OsString]) -> String {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) if option.starts_with("--header ") => {
            format!("invalid {}--header: {}", bad_header_ordinal(line), reason(error))
        }
        _ => error.render().to_string(),
    }
}

/// Which of the typed headers is the first that is not valid, such as "2nd " with
/// a blank behind it; empty if there is only one.
fn bad_header_ordinal(line: &[OsString]) -> String {
    let any = |arg: clap::Arg| arg.value_parser(clap::value_parser!(String));
    let name = line.get(1).and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let command = Args::command();
    if command.find_subcommand(&name).is_none() {
        return String::new();
    }
    let command = command.mut_subcommand(name, |command| command.mut_arg("headers", any));
    let Ok(matches) = command.ignore_errors(true).try_get_matches_from(line) else {
        return String::new();
    };
    let options = matches.subcommand().map(|(_, options)| options);
    let headers = options.and_then(|options| options.try_get_many::<String>("headers").ok()?);
    let headers: Vec<&String> = headers.into_iter().flatten().collect();
    match headers.iter().position(|text| header(text).is_err()) {
        Some(index) if headers.len() > 1 => ordinal(index + 1) + " ",
        _ => String::new(),
    }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
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
    fn an_ordinal_has_its_ending() {
        let all = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).join(" ");
        assert_eq!(all, "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th");
    }

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
