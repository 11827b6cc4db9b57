//! Real servers with an untrained model: its replies make no sense, but are
//! sent like those of any other.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::gguf::untrained_model;
use super::{gravix, skip};

const KEY: &str = "the-key";

/// The name of the model on the servers.
pub const MODEL: &str = "untrained";

/// In tokens. A token is one ASCII character.
pub const CONTEXT_LENGTH: u32 = 1024;

/// A server that runs until it is dropped.
pub struct RealServer {
    process: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl RealServer {
    /// llama-cpp-python in the interpreter that `GRAVIX_TEST_PYTHON` names.
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
        let mut command = installed(
            "GRAVIX_TEST_LLAMA_SERVER",
            "llama-server",
            &["--version"],
            "is not installed",
        )?;
        command.args(["--api-key", KEY, "--alias", MODEL, "--parallel", "1"]);
        command.args(["--ctx-size", &CONTEXT_LENGTH.to_string()]);
        Some(Self::start(command))
    }

    #[track_caller]
    fn start(mut command: Command) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let model = directory.path().join("model.gguf");
        fs::write(&model, untrained_model(CONTEXT_LENGTH)).expect("the model can be written");
        let log = File::create(directory.path().join("log")).expect("the file is created");
        command.args(["--host", "127.0.0.1", "--port", "0", "--model"]).arg(model);
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
