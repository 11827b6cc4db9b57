//! `gravix man`: print a man page, or install all of them. They are built into the
//! program.

use std::path::Path;

use crate::cli::ManArgs;
use crate::commands::install::{base_directory, put};
use crate::error::{Error, Result};
use crate::files::shell;
use crate::output::stdout::{self, TextMode};
use crate::settings::context::Context;
use crate::settings::environment::Environment;

/// The man pages: their names, and what they say.
const PAGES: &[(&str, &str)] = &[
    ("gravix", include_str!("../../man/gravix.1")),
    ("gravix-ask", include_str!("../../man/gravix-ask.1")),
    ("gravix-chat", include_str!("../../man/gravix-chat.1")),
    ("gravix-batch", include_str!("../../man/gravix-batch.1")),
    ("gravix-suggest", include_str!("../../man/gravix-suggest.1")),
    ("gravix-models", include_str!("../../man/gravix-models.1")),
    ("gravix-doctor", include_str!("../../man/gravix-doctor.1")),
    ("gravix-history", include_str!("../../man/gravix-history.1")),
    ("gravix-config", include_str!("../../man/gravix-config.1")),
    ("gravix-templates", include_str!("../../man/gravix-templates.1")),
    ("gravix-completions", include_str!("../../man/gravix-completions.1")),
    ("gravix-shell-init", include_str!("../../man/gravix-shell-init.1")),
    ("gravix-man", include_str!("../../man/gravix-man.1")),
];

/// Prints a page, or installs all of them and prints their paths.
pub fn run(args: &ManArgs, context: &Context) -> Result<()> {
    stdout::ensure_open()?;
    match args.install {
        true => install(context),
        false => stdout::print(find(&args.page)?, TextMode::Exact),
    }
}

/// The page with this name; `gravix-` may be left out.
fn find(name: &str) -> Result<&'static str> {
    let full_name = format!("gravix-{name}");
    let page = PAGES.iter().find(|(known, _)| *known == name || *known == full_name);
    page.map(|(_, text)| *text).ok_or_else(|| {
        let names: Vec<&str> = PAGES.iter().map(|(name, _)| *name).collect();
        Error::Usage(format!("no page '{name}' (have: {})", names.join(", ")))
    })
}

fn install(context: &Context) -> Result<()> {
    let environment = context.environment;
    let data = base_directory("XDG_DATA_HOME", ".local/share", environment)?;
    let directory = data.join("man/man1");
    let mut paths = String::new();
    for (name, text) in PAGES {
        let path = directory.join(format!("{name}.1"));
        put(&path, text)?;
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
