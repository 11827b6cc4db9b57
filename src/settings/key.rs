//! Where the key is kept, and getting it from there.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::output::notes::Notes;
use crate::secret::{KEY_VARIABLE, Secret, Secrets};
use crate::settings::environment::Environment;

/// How long a command may take to print the key.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a command that has printed is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// No key is longer: 64 KiB.
const LIMIT: u64 = 64 << 10;

const TOO_LONG: &str = "more than 64 KiB, which is no key";

/// Where the key is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeySource {
    /// In the variable GRAVIXLAYER_API_KEY, or nowhere.
    #[default]
    Default,
    /// In this variable.
    Variable(String),
    File(PathBuf),
    /// A shell command prints it.
    Command(String),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str(KEY_VARIABLE),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
            Self::Command(command) => write!(f, "what {command} prints"),
        }
    }
}

/// The secrets that are known before any setting is read: the key in the
/// environment. An invalid key is reported when it is first used.
pub fn known_secrets(environment: &Environment) -> Secrets {
    let secrets = Secrets::default();
    let key = environment.get(KEY_VARIABLE).map(|key| Secret::parse(key, KEY_VARIABLE));
    if let Some(Ok(key)) = key {
        secrets.add(key);
    }
    secrets
}

/// The key, if there is one.
///
/// # Errors
/// [`Error::Config`] if it is not where it should be, or cannot be sent in a
/// header; [`Error::Unreadable`] for a file.
pub fn find(
    source: &KeySource,
    environment: &Environment,
    notes: &Notes,
) -> Result<Option<Secret>> {
    let origin = source.to_string();
    match source {
        KeySource::Default => environment
            .get(KEY_VARIABLE)
            .map(|value| Secret::parse(value, KEY_VARIABLE))
            .transpose(),
        KeySource::Variable(name) => match environment.get(name) {
            Some(value) => Secret::parse(value, name).map(Some),
            None => Err(Error::Config(anyhow!("the key should be in {name}, which is not set"))),
        },
        KeySource::File(path) => {
            let key = read_file(path)?;
            warn_if_exposed(path, notes);
            Secret::parse(&OsString::from_vec(key), &origin).map(Some)
        }
        KeySource::Command(command) => {
            let key = run(command).with_context(|| format!("api_key_command {command}"));
            Secret::parse(&OsString::from_vec(key.map_err(Error::Config)?), &origin).map(Some)
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path);
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    match file.and_then(read_to_limit).map_err(unreadable)? {
        Some(key) => Ok(key),
        None => Err(Error::Config(anyhow!("{}: {TOO_LONG}", path.display()))),
    }
}

/// Everything that `source` holds; `None` if that is longer than any key.
fn read_to_limit(source: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= LIMIT))
}

fn warn_if_exposed(path: &Path, notes: &Notes) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        notes.warn(format_args!("others can read the key in {path}; chmod 600 keeps it to you"));
    }
}

/// What a shell command prints.
fn run(command: &str) -> anyhow::Result<Vec<u8>> {
    let begun = Instant::now();
    // Standard input may be the prompt.
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
    // At a terminal the command may ask for a passphrase, which only a
    // process in the foreground group can.
    let is_alone = File::open("/dev/tty").is_err();
    if is_alone {
        shell.process_group(0);
    }
    let mut child = shell.spawn().context("sh cannot be run")?;
    let printed = child.stdout.take().and_then(read_within_patience);
    // Closing the pipe ends a command that prints without end.
    let status = printed.as_ref().and_then(|_| wait_until(&mut child, begun + PATIENCE));
    let Some((printed, status)) = printed.zip(status) else {
        // It may have ended in the meantime.
        let _ = child.kill();
        if is_alone {
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
        }
        bail!("it did not end within {} s", PATIENCE.as_secs());
    };
    let Some(printed) = printed? else {
        bail!(TOO_LONG);
    };
    let status = status?;
    ensure!(status.success(), "it failed ({status})");
    ensure!(!printed.is_empty(), "it printed nothing");
    Ok(printed)
}

/// Reads in a thread, as a pipe has no timeout. `None` if the time is over.
fn read_within_patience(stdout: ChildStdout) -> Option<io::Result<Option<Vec<u8>>>> {
    let (done, printed) = mpsc::channel();
    // Nobody receives what comes too late.
    thread::spawn(move || drop(done.send(read_to_limit(stdout))));
    printed.recv_timeout(PATIENCE).ok()
}

fn wait_until(child: &mut Child, end: Instant) -> Option<io::Result<ExitStatus>> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(Ok(status)),
            Ok(None) if Instant::now() >= end => return None,
            Ok(None) => thread::sleep(POLL),
            Err(error) => return Some(Err(error)),
        }
    }
}
