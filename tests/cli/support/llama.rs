//! Servers of llama.cpp with an untrained model: its replies make no sense, but are
//! sent like those of any other.

use std::fs;
use std::process::Command;

use super::gguf::untrained_model;
use super::real::{KEY, RealServer, installed};

/// The name of the model on the servers.
pub const MODEL: &str = "untrained";

/// In tokens. A token is one ASCII character.
pub const CONTEXT_LENGTH: u32 = 1024;

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
        Some(Self::with_model(command))
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
        Some(Self::with_model(command))
    }

    #[track_caller]
    fn with_model(mut command: Command) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let model = directory.path().join("model.gguf");
        fs::write(&model, untrained_model(CONTEXT_LENGTH)).expect("the model can be written");
        command.arg("--model").arg(model);
        Self::start(command, directory)
    }

    /// `gravix ask` with `arguments`, sent to this server.
    pub fn ask(&self, arguments: &[&str]) -> Command {
        let mut command = self.gravix("ask");
        command.args(["--model", MODEL]).args(arguments);
        command
    }
}
