//! The default directory of histories, and the names `@NAME` of the files in it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::files::shell;
use crate::settings::environment::Environment;

/// How the names of histories in the directory end.
const SUFFIX: &[u8] = b".jsonl";

/// A file in a directory of histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFile {
    pub path: PathBuf,
    pub modified: SystemTime,
}

/// The default directory, `$XDG_STATE_HOME/gravix/chats`. It need not exist. `None`
/// if there is no home directory.
pub fn directory(environment: &Environment) -> Option<PathBuf> {
    Some(environment.base_directory("XDG_STATE_HOME", ".local/state")?.join("gravix/chats"))
}

/// The default directory.
///
/// # Errors
/// [`Error::Config`] if there is no home directory.
pub fn require_directory(environment: &Environment) -> Result<PathBuf> {
    let none = || Error::Config(anyhow!("no directory for histories: set HOME"));
    directory(environment).ok_or_else(none)
}

/// The path of a history that the user named: `@NAME` is `NAME.jsonl` in the default
/// directory, also if NAME has `.jsonl` at its end. Other paths stay as they are.
///
/// # Errors
/// [`Error::Usage`] for a name that is empty, begins with a dot, or has `/` or `..`
/// in it; [`Error::Config`] if there is no home directory.
pub fn resolve(path: &Path, environment: &Environment) -> Result<PathBuf> {
    let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"@") else {
        return Ok(path.to_owned());
    };
    check_name(path).map_err(Error::Usage)?;
    Ok(require_directory(environment)?.join(OsStr::from_bytes(&[stem(name), SUFFIX].concat())))
}

/// Checks a history's name, if `path` is one.
///
/// # Errors
/// Returns what is wrong with it.
pub fn check_name(path: &Path) -> Result<(), String> {
    let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"@") else {
        return Ok(());
    };
    let flaw = match () {
        () if name.is_empty() => "it is empty",
        () if name.starts_with(b".") => "it begins with a dot",
        () if name.contains(&b'/') => "it has a / in it",
        () if name.windows(2).any(|pair| pair == b"..") => "it has .. in it",
        () => return Ok(()),
    };
    let typed = path.display();
    let file = shell::path_word(&Path::new(".").join(path));
    Err(format!("{typed} is no name of a history: {flaw}; for a file, use {file}"))
}

/// `@NAME` for a file of the default directory; `None` for any other path.
pub fn short_name(path: &Path, environment: &Environment) -> Option<OsString> {
    let name = path.file_name()?.as_bytes();
    let short = OsString::from_vec([b"@", stem(name)].concat());
    let resolved = resolve(Path::new(&short), environment).ok()?;
    (resolved == path).then_some(short)
}

/// `name` without `.jsonl` at its end.
fn stem(name: &[u8]) -> &[u8] {
    name.strip_suffix(SUFFIX).unwrap_or(name)
}

/// The default directory, if `path` is directly in it.
pub fn directory_of(path: &Path, environment: &Environment) -> Option<PathBuf> {
    directory(environment).filter(|own| path.parent() == Some(own))
}

/// Creates the default directory, with mode 0700, before something is written there.
///
/// # Errors
/// [`Error::Unwritable`] if it cannot be created.
pub fn create(directory: &Path) -> Result<()> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    created.map_err(|source| Error::Unwritable { path: directory.to_owned(), source })
}

/// A path in the default directory for a new history, named after the time in UTC.
///
/// # Errors
/// [`Error::Config`] if there is no home directory.
pub fn new_file(now: SystemTime, environment: &Environment) -> Result<PathBuf> {
    let directory = require_directory(environment)?;
    let time = humantime::format_rfc3339_seconds(now).to_string().replace(':', "-");
    let named = |suffix: &str| directory.join(format!("{time}{suffix}.jsonl"));
    let mut path = named("");
    let mut number = 2;
    while path.exists() {
        path = named(&format!("-{number}"));
        number += 1;
    }
    Ok(path)
}

/// The file in which the inputs of `gravix chat` are remembered. `None` if there is no
/// home directory.
pub fn inputs_file(environment: &Environment) -> Option<PathBuf> {
    Some(environment.base_directory("XDG_STATE_HOME", ".local/state")?.join("gravix/inputs"))
}

/// The newest history in the default directory.
///
/// # Errors
/// [`Error::NoHistory`] if there is none, [`Error::Unreadable`] if the directory cannot
/// be read, and [`Error::Config`] if there is no home directory.
pub fn newest(environment: &Environment) -> Result<PathBuf> {
    let directory = require_directory(environment)?;
    let newest = default_files(&directory)?.into_iter().next();
    newest.map(|file| file.path).ok_or(Error::NoHistory { directory })
}

/// The histories in the default directory, the newest first; none if it does not exist.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be read.
pub fn default_files(directory: &Path) -> Result<Vec<ChatFile>> {
    match files(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        files => files.map_err(|source| Error::Unreadable { path: directory.to_owned(), source }),
    }
}

/// The files in `directory` that are histories by their names, `*.jsonl`, the newest
/// first. Hidden files are left out, as are files that vanish meanwhile.
///
/// # Errors
/// When the directory cannot be read.
pub fn files(directory: &Path) -> io::Result<Vec<ChatFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().as_bytes();
        if name.starts_with(b".") || !name.ends_with(SUFFIX) {
            continue;
        }
        let Some(metadata) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else {
            continue;
        };
        files.push(ChatFile { modified: metadata.modified()?, path });
    }
    // Files of the same time are sorted by name, so that the order is always the same.
    files.sort_by(|one, other| {
        other.modified.cmp(&one.modified).then_with(|| one.path.cmp(&other.path))
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn resolved(typed: &str) -> Result<PathBuf> {
        resolve(Path::new(typed), &environment(&[("HOME", "/home/ada")]))
    }

    #[test]
    fn the_directory_is_that_of_the_xdg_specification() {
        let directory = |variables| directory(&environment(variables));
        let of_home = Some(PathBuf::from("/home/ada/.local/state/gravix/chats"));
        assert_eq!(directory(&[("HOME", "/home/ada")]), of_home);
        assert_eq!(directory(&[("HOME", "/home/ada"), ("XDG_STATE_HOME", "state")]), of_home);
        let own = Some(PathBuf::from("/state/gravix/chats"));
        assert_eq!(directory(&[("HOME", "/home/ada"), ("XDG_STATE_HOME", "/state")]), own);
        assert_eq!(directory(&[]), None);
    }

    #[test]
    fn a_name_is_a_file_of_the_directory_with_or_without_its_suffix() {
        let locks = Path::new("/home/ada/.local/state/gravix/chats/locks.jsonl");
        for typed in ["@locks", "@locks.jsonl"] {
            assert_eq!(resolved(typed).unwrap(), locks);
        }
        for typed in ["./@locks", "locks", "a@b", "/@locks"] {
            assert_eq!(resolved(typed).unwrap(), Path::new(typed));
        }
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_directory() {
        for typed in ["@", "@..", "@../x", "@a/b", "@/etc/passwd", "@.hidden", "@.jsonl", "@a..b"] {
            assert!(matches!(resolved(typed), Err(Error::Usage(_))), "{typed}");
        }
        let homeless = resolve(Path::new("@locks"), &environment(&[]));
        assert!(matches!(homeless, Err(Error::Config(_))));
    }

    #[test]
    fn only_a_path_that_a_short_name_stands_for_has_one() {
        let environment = environment(&[("XDG_STATE_HOME", "/s")]);
        let short = |path| short_name(Path::new(path), &environment);
        assert_eq!(short("/s/gravix/chats/locks.jsonl"), Some("@locks".into()));
        for other in ["/s/gravix/chats/a.jsonl.jsonl", "/s/gravix/chats/a", "/s/locks.jsonl", "/"] {
            assert_eq!(short(other), None, "{other}");
        }
    }

    #[test]
    fn the_newest_history_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let start = SystemTime::UNIX_EPOCH;
        let names = ["old.jsonl", "b.jsonl", "a.jsonl", "new.jsonl", ".x.jsonl", "new.jsonl.torn"];
        for (name, age) in names.into_iter().zip([1, 2, 2, 3, 4, 5]) {
            let file = File::create(directory.path().join(name)).unwrap();
            file.set_modified(start + Duration::from_secs(age)).unwrap();
        }
        fs::create_dir(directory.path().join("directory.jsonl")).unwrap();
        let files = files(directory.path()).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.path.file_name().unwrap()).collect();
        assert_eq!(names, ["new.jsonl", "a.jsonl", "b.jsonl", "old.jsonl"]);
    }
}
