//! Files that are built into gravix, such as man pages, put where other programs look
//! for them.

use std::fs::{DirBuilder, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::files::paths::{self, directory_of};
use crate::files::replace;
use crate::settings::environment::Environment;

/// The value of a variable that names a directory, or else the directory `fallback` in
/// the home directory.
///
/// # Errors
/// [`Error::Config`] if there is no home directory either.
pub fn base_directory(name: &str, fallback: &str, environment: &Environment) -> Result<PathBuf> {
    let directory = environment.base_directory(name, fallback);
    // Nothing is installed into the current directory.
    directory
        .filter(|path| path.is_absolute())
        .ok_or_else(|| Error::Config(anyhow!("no directory to install into: set HOME")))
}

/// Writes `text` to the file at `path`, which is replaced atomically. Creates its
/// directories.
///
/// # Errors
/// [`Error::Unwritable`] if a directory cannot be created or the file cannot be
/// written.
pub fn put(path: &Path, text: &str) -> Result<()> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Unwritable { path, source }
    };
    let directory = directory_of(path);
    DirBuilder::new().recursive(true).create(directory).map_err(unwritable(directory))?;
    let write = || {
        // It may be a link into a repository of settings.
        let path = paths::follow(path)?;
        let mut file = replace::create_beside(&path, Some(Permissions::from_mode(0o666)))?;
        file.write_all(text.as_bytes())?;
        replace::replace(file, &path).map(drop)
    };
    write().map_err(unwritable(path))
}
