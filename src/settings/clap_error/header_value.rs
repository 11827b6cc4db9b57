//! Which of the typed headers is not valid, without showing it.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::cli::values::header;
use crate::cli::{Args, with_options};

/// Which of the typed headers is the first that is not valid, such as "2nd " with
/// a blank behind it; empty if there is only one.
pub fn bad_header_ordinal(line: &[OsString]) -> String {
    let any = |arg: clap::Arg| arg.value_parser(clap::value_parser!(String));
    let name = line.get(1).and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let command = Args::command();
    if command.find_subcommand(&name).is_none() {
        return String::new();
    }
    let command =
        command.mut_subcommand(name, |command| with_options(command).mut_arg("headers", any));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinal_has_its_ending() {
        let all = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).join(" ");
        assert_eq!(all, "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th");
    }
}
