//! Real servers, where they are installed, each on a port that its log names.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{gravix, skip};

/// The key of all real servers. LiteLLM's must begin with `sk-`.
pub const KEY: &str = "sk-the-key";

/// A server that runs until it is dropped.
pub struct RealServer {
    process: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl RealServer {
    /// Starts `command`, which chooses a port of its own on 127.0.0.1. Its files are
    /// in `directory`.
    #[track_caller]
    pub fn start(mut command: Command, directory: tempfile::TempDir) -> Self {
        let log = File::create(directory.path().join("log")).expect("the file is created");
        command.args(["--host", "127.0.0.1", "--port", "0"]);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the descriptor is duplicated"))
            .stderr(log);
        let process = command.spawn().expect("the server starts");
        let mut server = Self { process, port: 0, directory };
        server.wait_until_ready();
        server
    }

    /// The server is ready when its log names its port.
    #[track_caller]
    fn wait_until_ready(&mut self) {
        const LIMIT: Duration = Duration::from_secs(60);
        const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

        let start = Instant::now();
        loop {
            let log = fs::read(self.path("log")).expect("the log is readable");
            let log = String::from_utf8_lossy(&log);
            if let Some(port) = announced_port(&log) {
                self.port = port;
                return;
            }
            let is_over =
                self.process.try_wait().expect("the process is a child of the test").is_some();
            assert!(!is_over && start.elapsed() < LIMIT, "the server did not start: {log}");
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// The path of a file in the directory of the server.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `gravix` with this subcommand, sent to this server.
    pub fn gravix(&self, subcommand: &str) -> Command {
        let mut command = gravix();
        command.args([subcommand, "--base-url", &format!("http://127.0.0.1:{}/v1", self.port)]);
        command.env("GRAVIXLAYER_API_KEY", KEY);
        command
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program that `variable` names, or `default`, where it passes `probe`.
pub fn installed(variable: &str, default: &str, probe: &[&str], lack: &str) -> Option<Command> {
    let program = std::env::var_os(variable).unwrap_or_else(|| OsString::from(default));
    let program = Path::new(&program);
    let probe = isolated(program).args(probe).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        skip(&format!("{} {lack}; {variable} can name another", program.display()));
        return None;
    }
    Some(isolated(program))
}

/// A program with only the variables it needs to find its parts, because these
/// servers read settings such as `API_KEY` and `PORT` from the environment.
fn isolated(program: &Path) -> Command {
    let mut command = super::program(program);
    for name in ["HOME", "LD_LIBRARY_PATH", "PATH"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// "Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)", or
/// "listening on http://127.0.0.1:8080" and a newline.
fn announced_port(log: &str) -> Option<u16> {
    let (_, after) = log.split_once(" on http://127.0.0.1:")?;
    let (port, _) = after.split_once(|c: char| !c.is_ascii_digit())?;
    port.parse().ok()
}
