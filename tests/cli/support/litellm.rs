//! LiteLLM's proxy in front of another server, with a limit of requests a minute.

use std::fs;

use super::real::{KEY, RealServer, installed};

/// The name of the model on the proxy.
pub const MODEL: &str = "limited";

impl RealServer {
    /// LiteLLM in the interpreter that `GRAVIX_TEST_PYTHON` names. It sends requests
    /// to `backend`, and answers 429 without Retry-After to those of a minute beyond
    /// `per_minute`. Without the check, it only chooses servers by their `rpm`.
    pub fn litellm(backend: &str, per_minute: u32) -> Option<Self> {
        let probe = "import litellm.proxy.proxy_cli, fastapi, backoff";
        let mut command =
            installed("GRAVIX_TEST_PYTHON", "python3", &["-c", probe], "has no litellm[proxy]")?;
        let config = format!(
            "\
model_list:
  - model_name: {MODEL}
    litellm_params:
      model: openai/{MODEL}
      api_base: {backend}
      api_key: none
      rpm: {per_minute}
router_settings:
  optional_pre_call_checks: [enforce_model_rate_limits]
  num_retries: 0
general_settings:
  master_key: {KEY}
"
        );
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let path = directory.path().join("config.yaml");
        fs::write(&path, config).expect("the configuration is written");
        // The prices of models would come from the network.
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        command.args(["-c", "from litellm import run_server; run_server()", "--config"]);
        command.arg(path);
        Some(Self::start(command, directory))
    }
}
