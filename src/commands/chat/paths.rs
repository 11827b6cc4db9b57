//! Paths as people type them behind a command, or drop them on the terminal.

use std::path::{Path, PathBuf};

use crate::settings::environment::Environment;

/// The path that was typed: in quotes, with backslashes before blanks, or beginning with
/// `~/`. A file with exactly the name that was typed comes first.
pub fn typed(argument: &str, environment: &Environment) -> PathBuf {
    if Path::new(argument).exists() {
        return PathBuf::from(argument);
    }
    let quoted =
        ['\'', '"'].into_iter().find_map(|quote| argument.strip_prefix(quote)?.strip_suffix(quote));
    let path = quoted.map_or_else(|| argument.replace("\\ ", " "), str::to_owned);
    match (path.strip_prefix("~/"), environment.get("HOME")) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => PathBuf::from(path),
    }
}
