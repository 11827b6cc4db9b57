//! A home directory with a configuration file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::server::Server;
use super::{gravix, run};

/// A directory with a configuration file.
pub struct Home {
    directory: TempDir,
}

impl Home {
    pub fn new(config: &str) -> Self {
        let home =
            Self { directory: tempfile::tempdir().expect("a temporary directory is created") };
        fs::write(home.config(), config).expect("the file is written");
        fs::set_permissions(home.config(), fs::Permissions::from_mode(0o600))
            .expect("the mode is set");
        home
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self) -> PathBuf {
        self.path().join("c.toml")
    }

    /// gravix with this configuration.
    pub fn gravix(&self, arguments: &[&str]) -> Command {
        let mut command = gravix();
        command.args(arguments).env("GRAVIX_CONFIG", self.config()).env("HOME", self.path());
        command
    }

    /// The request body that `gravix ask` would send.
    #[track_caller]
    pub fn body(&self, arguments: &[&str]) -> Value {
        let mut command = self.gravix(&["ask", "--dry-run", "hi"]);
        let run = run(command.args(arguments)).exits(0).says_nothing();
        serde_json::from_slice(&run.stdout).expect("stdout is JSON")
    }

    /// The output of `gravix config`, with runs of spaces joined.
    #[track_caller]
    pub fn listing(&self, command: &mut Command) -> String {
        let run = run(command).exits(0).says_nothing();
        let text = String::from_utf8(run.stdout).expect("stdout is UTF-8");
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The `Authorization` header of the last request to `server`.
pub fn last_key(server: &Server) -> Option<String> {
    let requests = server.requests();
    requests.last().expect("there is a request").header("authorization").map(str::to_owned)
}
