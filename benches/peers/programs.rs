//! The measured programs: a release build of gravix, and the installed peers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;

const PEERS: &[&str] = &["curl", "xargs", "nginx", "aichat", "llm"];

pub struct Programs {
    pub gravix: PathBuf,
    peers: Vec<(&'static str, Option<PathBuf>)>,
}

impl Programs {
    /// Builds gravix and looks up the peers in PATH.
    pub fn find() -> Result<Self> {
        let peers = PEERS.iter().map(|&name| (name, find(name))).collect();
        Ok(Self { gravix: build()?, peers })
    }

    /// The path of a peer.
    ///
    /// # Errors
    /// The peer is not installed.
    pub fn peer(&self, name: &str) -> Result<&Path> {
        let found = self.peers.iter().find(|(peer, _)| *peer == name);
        found.and_then(|(_, path)| path.as_deref()).ok_or_else(|| anyhow!(not_installed(name)))
    }

    /// The version of each program, as the program reports it.
    pub fn versions(&self) -> Vec<String> {
        let describe = |name: &str, path: Option<&Path>| match path {
            Some(path) => version(name, path).unwrap_or_else(|| format!("{name}, version unknown")),
            None => not_installed(name),
        };
        let peers = self.peers.iter().map(|(name, path)| describe(name, path.as_deref()));
        std::iter::once(describe("gravix", Some(&self.gravix))).chain(peers).collect()
    }
}

fn not_installed(name: &str) -> String {
    format!("not installed: {name}")
}

/// A command without stdin, and with no environment variable but `HOME`.
pub fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    command
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian installs nginx in a directory outside the PATH of users.
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let directories = std::env::split_paths(&path).chain(system);
    directories.map(|directory| directory.join(name)).find(|path| path.is_file())
}

fn version(name: &str, path: &Path) -> Option<String> {
    let option = if name == "nginx" { "-v" } else { "--version" };
    let output = Command::new(path).arg(option).output().ok()?;
    // nginx prints its version to stderr.
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next()?;
    // curl lists its libraries after its version.
    Some(line.split(" (").next().unwrap_or(line).to_owned())
}

/// Builds the release binary. The one that cargo builds for a bench target has
/// more features: those that the development dependencies enable in its crates.
fn build() -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct CargoMessage {
        executable: Option<PathBuf>,
    }
    let output = cargo()
        .args(["build", "--release", "--locked", "--quiet", "--bin", "gravix"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()?;
    let messages = String::from_utf8(output.stdout)?;
    let parsed =
        messages.lines().filter_map(|line| serde_json::from_str::<CargoMessage>(line).ok());
    let executable = parsed.filter_map(|message| message.executable).next_back();
    ensure!(output.status.success(), "cannot build gravix");
    executable.context("cargo reported no executable")
}

/// cargo, without the variables that cargo sets for a bench: build scripts that
/// depend on them would run again.
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
