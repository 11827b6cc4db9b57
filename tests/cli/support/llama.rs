//! Real servers, where they are installed. Their model says nothing of sense,
//! but they say it as they would say any other.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::gguf::untrained_model;
use super::{gravix, skip};

const KEY: &str = "the-key";

/// What the servers call their model.
pub const MODEL: &str = "untrained";

/// Tokens, and as many letters of ASCII.
pub const CONTEXT_LENGTH: u32 = 1024;

/// Serves until it is dropped, to those who have its key.
pub struct RealServer {
    process: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl RealServer {
    /// llama-cpp-python of the interpreter that `GRAVIX_TEST_PYTHON` names.
    pub fn llama_cpp_python() -> Option<Self> {
        let mut command = installed(
            "GRAVIX_TEST_PYTHON",
            "python3",
            &["-c", "import llama_cpp.server.app"],
            "has no llama-cpp-python[server]",
        )?;
        command.args(["-m", "llama_cpp.server", "--api_key", KEY, "--model_alias", MODEL]);
        command.args(["--n_ctx", &CONTEXT_LENGTH.to_string()]);
        Some(Self::start(command))
    }

    /// llama.cpp's own server, which `GRAVIX_TEST_LLAMA_SERVER` names.
    pub fn llama_server() -> Option<Self> {
        let mut command =
            installed("GRAVIX_TEST_LLAMA_SERVER", "llama-server", &["--version"], "cannot be had")?;
        command.args(["--api-key", KEY, "--alias", MODEL, "--parallel", "1"]);
        command.args(["--ctx-size", &CONTEXT_LENGTH.to_string()]);
        Some(Self::start(command))
    }

    #[track_caller]
    fn start(mut command: Command) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let model = directory.path().join("model.gguf");
        fs::write(&model, untrained_model(CONTEXT_LENGTH)).expect("the model can be written");
        let log = File::create(directory.path().join("log")).expect("a file");
        command.args(["--host", "127.0.0.1", "--port", "0", "--model"]).arg(model);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a descriptor")).stderr(log);
        let process = command.spawn().expect("the server starts");
        let mut server = Self { process, port: 0, directory };
        server.wait_until_ready();
        server
    }

    /// It is, when its log names the port that it was given.
    #[track_caller]
    fn wait_until_ready(&mut self) {
        const LIMIT: Duration = Duration::from_secs(60);
        const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

        let start = Instant::now();
        loop {
            let log = fs::read(self.path("log")).expect("its log");
            let log = String::from_utf8_lossy(&log);
            if let Some(port) = announced_port(&log) {
                self.port = port;
                return;
            }
            let is_over = self.process.try_wait().expect("it is our child").is_some();
            assert!(!is_over && start.elapsed() < LIMIT, "the server did not start: {log}");
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// A file that goes with the server.
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

    /// `gravix ask` with `arguments`, sent to this server.
    pub fn ask(&self, arguments: &[&str]) -> Command {
        let mut command = self.gravix("ask");
        command.args(["--model", MODEL]).args(arguments);
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
fn installed(variable: &str, default: &str, probe: &[&str], lack: &str) -> Option<Command> {
    let program = std::env::var_os(variable).unwrap_or_else(|| OsString::from(default));
    let program = Path::new(&program);
    let probe = hermetic(program).args(probe).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        skip(&format!("{} {lack}; {variable} can name another", program.display()));
        return None;
    }
    Some(hermetic(program))
}

/// A program with what it needs to find its parts. These servers take every
/// setting from the environment too: a stray `API_KEY` or `PORT` counts.
fn hermetic(program: &Path) -> Command {
    let mut command = super::program(program);
    for name in ["HOME", "LD_LIBRARY_PATH", "PATH"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// "Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)", or
/// "listening on http://127.0.0.1:8080" and the line's end.
fn announced_port(log: &str) -> Option<u16> {
    let (_, after) = log.split_once(" on http://127.0.0.1:")?;
    let (port, _) = after.split_once(|c: char| !c.is_ascii_digit())?;
    port.parse().ok()
}
