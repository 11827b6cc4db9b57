//! Where each shell looks for completion scripts, and what it needs besides.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::Shell;
use crate::commands::install::{base_directory, put};
use crate::error::{Error, Result};
use crate::files::shell;
use crate::settings::environment::Environment;

/// A script that was installed.
pub struct Installed {
    pub path: PathBuf,
    /// What the user must still do, if anything.
    pub next_step: Option<String>,
}

/// Installs `script` for `shell`.
///
/// # Errors
/// [`Error::Usage`] for a shell that has no directory for scripts, [`Error::Config`]
/// without a home directory, and [`Error::Unwritable`] if the script cannot be written.
pub fn install(shell: Shell, script: &str, environment: &Environment) -> Result<Installed> {
    let path = path(shell, environment)?;
    put(&path, script)?;
    let next_step = match shell {
        Shell::Bash => bash_step(&path, environment),
        Shell::Zsh => zsh_step(&path, environment),
        Shell::Fish | Shell::Powershell | Shell::Elvish => None,
    };
    Ok(Installed { path, next_step })
}

/// The shell of the user, by the variable `SHELL`.
///
/// # Errors
/// [`Error::Usage`] if it is none that gravix knows.
pub fn users_shell(environment: &Environment) -> Result<Shell> {
    let path = environment.get("SHELL").map(Path::new);
    let name = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let shell = name.as_deref().and_then(|name| match name {
        "pwsh" => Some(Shell::Powershell),
        name => Shell::from_str(name, false).ok(),
    });
    shell.ok_or_else(|| {
        let reason = match &name {
            Some(name) => format!("no completions for {name}, which SHELL names"),
            None => "SHELL names no shell".to_owned(),
        };
        Error::Usage(format!("{reason}; run gravix completions --install bash, or zsh or fish"))
    })
}

fn path(shell: Shell, environment: &Environment) -> Result<PathBuf> {
    let data = |name: &str| {
        let directory = base_directory("XDG_DATA_HOME", ".local/share", environment)?;
        Ok(directory.join(name))
    };
    match shell {
        Shell::Bash => {
            let own = environment.get("BASH_COMPLETION_USER_DIR").map(PathBuf::from);
            let directory = own.filter(|path| path.is_absolute()).map_or_else(|| data("bash-completion"), Ok)?;
            Ok(directory.join("completions/gravix"))
        }
        Shell::Zsh => data("zsh/site-functions/_gravix"),
        Shell::Fish => {
            let directory = base_directory("XDG_CONFIG_HOME", ".config", environment)?;
            Ok(directory.join("fish/completions/gravix.fish"))
        }
        Shell::Powershell => Err(Error::Usage(
            "powershell has no directory for completions; put this line into $PROFILE: gravix completions powershell | Out-String | Invoke-Expression".to_owned(),
        )),
        Shell::Elvish => Err(Error::Usage(
            "elvish has no directory for completions; put this line into rc.elv: eval (gravix completions elvish | slurp)".to_owned(),
        )),
    }
}

/// bash itself loads nothing from the directory: the package bash-completion does.
fn bash_step(path: &Path, environment: &Environment) -> Option<String> {
    let directories =
        environment.get("XDG_DATA_DIRS").unwrap_or("/usr/local/share:/usr/share".as_ref());
    let has_package = std::env::split_paths(directories)
        .any(|directory| directory.join("bash-completion/bash_completion").is_file());
    let word = shell::path_word(path);
    (!has_package).then(|| {
        format!(
            "bash needs this line in ~/.bashrc, as there is no bash-completion here: source {word}"
        )
    })
}

/// zsh has no directory of the user's.
fn zsh_step(path: &Path, environment: &Environment) -> Option<String> {
    let directory = path.parent()?;
    let known = environment.get("FPATH");
    let is_known =
        known.is_some_and(|known| std::env::split_paths(known).any(|path| path == directory));
    let word = shell::path_word(directory);
    (!is_known).then(|| {
        format!("zsh needs this line in ~/.zshrc, above other lines with compinit: fpath=({word} $fpath); autoload -Uz compinit; compinit")
    })
}
