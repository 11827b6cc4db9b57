//! `gravix man`: print a man page, or install all of them. They are built into the
//! program.

use std::path::Path;

use crate::cli::ManArgs;
use crate::commands::documents::document;
use crate::commands::install::{base_directory, put};
use crate::error::{Error, Result};
use crate::files::shell;
use crate::output::stdout::{self, TextMode};
use crate::settings::context::Context;
use crate::settings::environment::Environment;

/// The names of the man pages.
const PAGES: &[&str] = &[
    "gravix",
    "gravix-ask",
    "gravix-chat",
    "gravix-batch",
    "gravix-suggest",
    "gravix-models",
    "gravix-doctor",
    "gravix-history",
    "gravix-config",
    "gravix-templates",
    "gravix-completions",
    "gravix-shell-init",
    "gravix-man",
];

/// Prints a page, or installs all of them and prints their paths.
pub fn run(args: &ManArgs, context: &Context) -> Result<()> {
    stdout::ensure_open()?;
    match args.install {
        true => install(context),
        false => stdout::print(&find(&args.page)?, TextMode::Exact),
    }
}

/// The page with this name; `gravix-` may be left out.
fn find(name: &str) -> Result<String> {
    let full_name = format!("gravix-{name}");
    let page = PAGES.iter().find(|known| **known == name || **known == full_name);
    page.map(|name| text(name))
        .ok_or_else(|| Error::Usage(format!("no page '{name}' (have: {})", PAGES.join(", "))))
}

fn text(name: &str) -> String {
    document(&format!("man/{name}.1"))
}

fn install(context: &Context) -> Result<()> {
    let environment = context.environment;
    let data = base_directory("XDG_DATA_HOME", ".local/share", environment)?;
    let directory = data.join("man/man1");
    let mut paths = String::new();
    for name in PAGES {
        let path = directory.join(format!("{name}.1"));
        put(&path, &text(name))?;
        paths += &format!("{}\n", path.display());
    }
    if !is_searched(&data.join("man"), environment) {
        let word = shell::path_word(&data.join("man"));
        context.notes.note(format_args!(
            "man needs this line in the shell's start-up file: export MANPATH={word}:$MANPATH"
        ));
    }
    stdout::print(&paths, context.terminal.text_mode())
}

/// Whether man searches `directory`: man-db and mandoc find it if MANPATH names it, and
/// man-db also beside a directory of programs, as `~/.local/share` is beside
/// `~/.local/bin`.
fn is_searched(directory: &Path, environment: &Environment) -> bool {
    let has = |name: &str, path: &Path| {
        let paths = environment.get(name).unwrap_or_default();
        std::env::split_paths(paths).any(|known| known == path)
    };
    let programs = directory.parent().and_then(Path::parent).map(|parent| parent.join("bin"));
    has("MANPATH", directory) || programs.is_some_and(|programs| has("PATH", &programs))
}
