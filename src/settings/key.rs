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

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::files::text;
use crate::output::notes::Notes;
use crate::secret::{KEY_VARIABLE, Secret};
use crate::settings::environment::Environment;

/// How long a command may take to print the key.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a command that has printed is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// A longer key is none: 64 KiB.
const LIMIT: u64 = 64 << 10;

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

/// The key, where there is one.
///
/// # Errors
/// [`Error::Config`] when it is not where it should be, or cannot be sent in
/// a header; [`Error::Unreadable`] for a file.
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
            None => Err(Error::Config(format!("the key should be in {name}, which is not set"))),
        },
        KeySource::File(path) => {
            let key = text::read(path)?;
            warn_if_exposed(path, notes);
            Secret::parse(&OsString::from_vec(key), &origin).map(Some)
        }
        KeySource::Command(command) => {
            let key = run(command)
                .map_err(|why| Error::Config(format!("api_key_command {command}: {why}")))?;
            Secret::parse(&OsString::from_vec(key), &origin).map(Some)
        }
    }
}

fn warn_if_exposed(path: &Path, notes: &Notes) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        notes.warn(format_args!("others can read the key in {path}; chmod 600 keeps it to you"));
    }
}

/// What a shell command prints.
fn run(command: &str) -> Result<Vec<u8>, String> {
    let begun = Instant::now();
    // Standard input may be the prompt.
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
    // Whoever sits at a terminal may be asked there, which is for the
    // foreground alone.
    let is_alone = File::open("/dev/tty").is_err();
    if is_alone {
        shell.process_group(0);
    }
    let mut child = shell.spawn().map_err(|error| format!("sh cannot be run: {error}"))?;
    let printed = child.stdout.take().and_then(read_within_patience);
    let status = printed.as_ref().and_then(|_| wait_until(&mut child, begun + PATIENCE));
    let Some((printed, status)) = printed.zip(status) else {
        // It may have ended in the meantime.
        let _ = child.kill();
        if is_alone {
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
        }
        return Err(format!("it did not end within {} s", PATIENCE.as_secs()));
    };
    let printed = printed.map_err(|error| error.to_string())?;
    match status {
        Ok(status) if !status.success() => Err(format!("it failed ({status})")),
        Ok(_) if printed.is_empty() => Err("it printed nothing".to_owned()),
        Ok(_) => Ok(printed),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads in a thread, as a pipe knows no timeout. `None` when time is over.
fn read_within_patience(stdout: ChildStdout) -> Option<io::Result<Vec<u8>>> {
    let (done, printed) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(LIMIT).read_to_end(&mut bytes);
        // Nobody listens any more when time is over.
        let _ = done.send(read.map(|_| bytes));
    });
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
