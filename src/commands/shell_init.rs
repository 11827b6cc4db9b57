//! `gravix shell-init`: prints a script that binds `gravix suggest` to a key.

use crate::cli::{KeyShell, ShellInitArgs};
use crate::commands::documents::document;
use crate::error::Result;
use crate::files::shell;
use crate::output::stdout::{self, TextMode};

/// What stands in the scripts for the key, as a word of the shell.
const KEY: &str = "@KEY@";

pub fn run(args: &ShellInitArgs) -> Result<()> {
    stdout::ensure_open()?;
    let key = |default| args.key.as_deref().unwrap_or(default);
    let (name, word) = match args.shell {
        KeyShell::Bash => ("bash", bash_binding(key(r"\eg"))),
        KeyShell::Zsh => ("zsh", shell::quoted(key("^[g"))),
        KeyShell::Fish => ("fish", fish_word(key(r"\eg"))),
    };
    let script = document(&format!("shell-init/gravix.{name}"));
    stdout::print(&script.replace(KEY, &word), TextMode::Exact)
}

/// The key and its command as readline reads them: the key is in double quotes, which a
/// backslash escapes.
fn bash_binding(key: &str) -> String {
    let mut quoted = String::new();
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted.extend(['\\', chars.next().unwrap_or('\\')]),
            c => quoted.push(c),
        }
    }
    shell::quoted(&format!("\"{quoted}\": __gravix_suggest"))
}

/// `key` in single quotes, in which fish knows escapes of the quote and the backslash.
fn fish_word(key: &str) -> String {
    format!("'{}'", key.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_ends_its_quotes() {
        for (key, word) in [
            (r"\eg", r#"'"\eg": __gravix_suggest'"#),
            (r#"a": x; ""#, r#"'"a\": x; \"": __gravix_suggest'"#),
            (r#"\""#, r#"'"\"": __gravix_suggest'"#),
            (r"\", r#"'"\\": __gravix_suggest'"#),
            ("'", r#"'"'\''": __gravix_suggest'"#),
        ] {
            assert_eq!(bash_binding(key), word);
        }
        assert_eq!(fish_word(r"\e'\"), r"'\\e\'\\'");
    }
}
