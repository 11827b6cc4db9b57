//! The model and what its parameters may be.

use crate::cli::model_args::ModelArgs;
use crate::error::{Error, Result};
use crate::settings::environment::Environment;

pub const DEFAULT_MODEL: &str = "llama3.1:8b-instruct-fp16";

/// The most stop sequences the API accepts.
pub const MAX_STOPS: usize = 4;

/// The name of the model: from the option, the environment, or the default.
///
/// # Errors
/// [`Error::Usage`] for an empty name or too many stop sequences,
/// [`Error::Config`] if `GRAVIX_MODEL` is not UTF-8.
pub fn model(args: &ModelArgs, environment: &Environment) -> Result<String> {
    if args.stop.len() > MAX_STOPS {
        return Err(Error::Usage(format!("--stop can be given at most {MAX_STOPS} times")));
    }
    name(args.model.as_deref(), environment)
}

/// The name of the model, given that of the option.
///
/// # Errors
/// [`Error::Usage`] for an empty name, [`Error::Config`] if `GRAVIX_MODEL` is not UTF-8.
pub fn name(option: Option<&str>, environment: &Environment) -> Result<String> {
    match option {
        Some("") => Err(Error::Usage("the model name is empty".to_owned())),
        Some(name) => Ok(name.to_owned()),
        None => Ok(environment.text("GRAVIX_MODEL")?.unwrap_or(DEFAULT_MODEL).to_owned()),
    }
}
