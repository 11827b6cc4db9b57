//! Where the API key is stored, and loading it from there.

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
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::error::{Error, Reason, Result, TextOrigin, is_out_of_processes};
use crate::files::{shell, text};
use crate::output::notes::Notes;
use crate::secret::{KEY_VARIABLE, Secret, Secrets};
use crate::settings::environment::Environment;
use crate::time_limit::TimeLimit;

/// How long a command can take to print the key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to check whether a command has exited after printing the key.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The longest key that is accepted: 64 KiB.
const MAX_KEY_BYTES: u64 = 64 << 10;

const TOO_LONG: &str = "more than 64 KiB, too long for a key";

/// Where the key is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeySource {
    /// In the variable `GRAVIXLAYER_API_KEY`, if it is set.
    #[default]
    Default,
    /// In this variable, which must be set.
    Variable(String),
    File(PathBuf),
    /// This shell command prints it.
    Command(String),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str(KEY_VARIABLE),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
            Self::Command(command) => write!(f, "the output of {command}"),
        }
    }
}

/// The secrets to mask before the settings are read: the key in the environment.
/// An invalid key is reported when it is first used.
pub fn known_secrets(environment: &Environment) -> Secrets {
    let secrets = Secrets::default();
    let key = environment.get(KEY_VARIABLE).map(|key| Secret::parse(key, KEY_VARIABLE));
    if let Some(Ok(key)) = key {
        secrets.add(key);
    }
    secrets
}

/// Whether a key is where it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPresence {
    Present,
    /// With the reason, which names where it should be.
    Missing(String),
    /// Only running the command would tell.
    Unknown,
}

/// Looks for the key, and runs no command for it.
pub fn presence(source: &KeySource, environment: &Environment) -> KeyPresence {
    let of_variable = |name: &str| match environment.get(name) {
        Some(_) => KeyPresence::Present,
        None => KeyPresence::Missing(format!("{name} is not set")),
    };
    match source {
        KeySource::Default => of_variable(KEY_VARIABLE),
        KeySource::Variable(name) => of_variable(name),
        KeySource::File(path) => match read_file(path) {
            Ok(key) if key.trim_ascii().is_empty() => {
                KeyPresence::Missing(format!("{} is empty", path.display()))
            }
            Ok(_) => KeyPresence::Present,
            Err(error) => KeyPresence::Missing(error.to_string()),
        },
        KeySource::Command(_) => KeyPresence::Unknown,
    }
}

/// Loads the key. Returns `None` if the source is the default variable and it is
/// not set.
///
/// # Errors
/// [`Error::Config`] if the variable is not set, the command fails, the file is
/// not text, or the key is too long or not valid; [`Error::Unreadable`] if the
/// file cannot be read.
pub fn load(
    source: &KeySource,
    environment: &Environment,
    notes: &Notes,
) -> Result<Option<Secret>> {
    let value = match source {
        KeySource::Default => match environment.get(KEY_VARIABLE) {
            Some(value) => value.to_owned(),
            None => return Ok(None),
        },
        KeySource::Variable(name) => match environment.get(name) {
            Some(value) => value.to_owned(),
            None => {
                return Err(Error::Config(anyhow!(
                    "no key: {name} is not set; run export {name}=YOUR_KEY first"
                )));
            }
        },
        KeySource::File(path) => {
            let key = read_file(path)?;
            warn_if_exposed(path, notes);
            OsString::from_vec(key)
        }
        KeySource::Command(command) => {
            let key = run(command).with_context(|| format!("api_key_command {command}"));
            OsString::from_vec(key.map_err(Error::Config)?)
        }
    };
    let origin = source.to_string();
    let key = Secret::parse(&value, &origin)?;
    if key.has_blanks() {
        notes.note(format_args!("the key in {origin} has blanks around it, which are not sent"));
    }
    Ok(Some(key))
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path);
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    match file.and_then(read_to_limit).map_err(unreadable)? {
        Some(key) => match text::decode(key, TextOrigin::File(path.to_owned())) {
            Ok(key) => Ok(key.into_bytes()),
            Err(not_text) => Err(Error::Config((*not_text).into())),
        },
        None => Err(Error::Config(anyhow!("{}: {TOO_LONG}", path.display()))),
    }
}

/// Reads `source` to its end. Returns `None` if it is longer than a key can be.
fn read_to_limit(source: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= MAX_KEY_BYTES))
}

fn warn_if_exposed(path: &Path, notes: &Notes) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        notes.warn(format_args!(
            "others can read the key in {}; run chmod 600 {}",
            path.display(),
            shell::path_word(path)
        ));
    }
}

/// Runs a shell command and returns its output.
fn run(command: &str) -> anyhow::Result<Vec<u8>> {
    let mut limit = TimeLimit::new(COMMAND_TIMEOUT);
    // Standard input is not the command's: it can be the prompt.
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
    // Only a process in the foreground group can ask for a passphrase at the
    // terminal, so the command gets its own group only without a terminal.
    let has_own_group = File::open("/dev/tty").is_err();
    if has_own_group {
        shell.process_group(0);
    }
    let mut child = shell.spawn().map_err(no_shell)?;
    let printed = child.stdout.take().and_then(|stdout| read_within(&mut limit, stdout));
    // The pipe is closed now, which ends a command that prints endlessly.
    let status = printed.as_ref().and_then(|_| wait_within(&mut limit, &mut child));
    let Some((printed, status)) = printed.zip(status) else {
        // Killing fails if the command has just exited.
        let _ = child.kill();
        if has_own_group {
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
        }
        bail!("no key within {} s", COMMAND_TIMEOUT.as_secs());
    };
    let Some(printed) = printed? else {
        bail!(TOO_LONG);
    };
    let status = status?;
    ensure!(status.success(), "failed ({status})");
    ensure!(!printed.is_empty(), "printed nothing");
    Ok(printed)
}

/// The error of a shell that cannot be started.
fn no_shell(source: io::Error) -> anyhow::Error {
    match is_out_of_processes(&source) {
        true => Error::Limit { action: "run sh".to_owned(), source }.into(),
        false => anyhow!("cannot run sh: {}", Reason(&source)),
    }
}

/// Reads the output of a command; `None` after the limit. Reads in a thread
/// because a pipe has no timeout.
fn read_within(
    limit: &mut TimeLimit,
    stdout: ChildStdout,
) -> Option<anyhow::Result<Option<Vec<u8>>>> {
    let (done, printed) = mpsc::channel();
    // After the limit nobody receives it any more.
    let read = move || drop(done.send(read_to_limit(stdout)));
    match thread::Builder::new().spawn(read) {
        Ok(_) => Some(limit.receive(&printed)?.map_err(Into::into)),
        Err(error) => Some(Err(Error::no_thread(error).into())),
    }
}

/// Waits for a command to exit; `None` after the limit.
fn wait_within(limit: &mut TimeLimit, child: &mut Child) -> Option<io::Result<ExitStatus>> {
    limit.wait(|slice| match child.try_wait() {
        Ok(None) => {
            thread::sleep(slice.min(POLL_INTERVAL));
            None
        }
        exited => exited.transpose(),
    })
}
