//! The programs that are measured: gravix, built as users get it, and the
//! peers that are installed.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Result;

const PEERS: &[&str] = &["curl", "xargs", "nginx", "aichat", "llm"];

pub struct Programs {
    pub gravix: PathBuf,
    peers: Vec<(&'static str, Option<PathBuf>)>,
}

impl Programs {
    /// Builds gravix, and looks the others up in PATH.
    pub fn find() -> Result<Self> {
        let peers = PEERS.iter().map(|&name| (name, find(name))).collect();
        Ok(Self { gravix: build()?, peers })
    }

    /// # Errors
    /// [`NotInstalled`].
    pub fn peer(&self, name: &'static str) -> Result<&Path, NotInstalled> {
        let found = self.peers.iter().find(|(peer, _)| *peer == name);
        found.and_then(|(_, path)| path.as_deref()).ok_or(NotInstalled(name))
    }

    /// The version of each, as it tells it.
    pub fn versions(&self) -> Vec<String> {
        let told = |name: &'static str, path: Option<&Path>| match path {
            Some(path) => version(name, path).unwrap_or_else(|| format!("{name}, version unknown")),
            None => NotInstalled(name).to_string(),
        };
        let peers = self.peers.iter().map(|(name, path)| told(name, path.as_deref()));
        std::iter::once(told("gravix", Some(&self.gravix))).chain(peers).collect()
    }
}

#[derive(Debug)]
pub struct NotInstalled(&'static str);

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not installed: {}", self.0)
    }
}

impl Error for NotInstalled {}

/// `program` in a world of its own: no variable, and a home that is `home`.
pub fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian has nginx where the PATH of users does not lead.
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let directories = std::env::split_paths(&path).chain(system);
    directories.map(|directory| directory.join(name)).find(|path| path.is_file())
}

fn version(name: &str, path: &Path) -> Option<String> {
    let option = if name == "nginx" { "-v" } else { "--version" };
    let output = Command::new(path).arg(option).output().ok()?;
    // nginx tells it on stderr.
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    let line = told.lines().next()?;
    // curl goes on with its libraries.
    Some(line.split(" (").next().unwrap_or(line).to_owned())
}

/// Builds the release binary. The one that cargo makes for a bench target has
/// features in its crates that only the development dependencies ask for.
fn build() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let output = cargo()
        .args(["build", "--release", "--locked", "--quiet", "--bin", "gravix"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()?;
    let messages = String::from_utf8(output.stdout)?;
    let parsed = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let executable = parsed.filter_map(|message| message.executable).next_back();
    executable.filter(|_| output.status.success()).ok_or_else(|| "gravix cannot be built".into())
}

/// cargo, as if it were not run by cargo: build scripts that look at the
/// variables that it sets for a bench would run again.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in std::env::vars_os() {
        let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}
