//! Arguments of the commands that show what there is: models, doctor, config and
//! templates.

use std::path::PathBuf;

use clap::ValueHint;

use crate::cli::shared_args::{NetworkArgs, SettingsArgs, VerbosityArgs};
use crate::cli::tables::{CONFIG_STATUS, DOCTOR_STATUS, MODELS_STATUS, TEMPLATES_STATUS, section};

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", MODELS_STATUS))]
pub struct ModelsArgs {
    /// Print the server's response unchanged
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", DOCTOR_STATUS))]
pub struct DoctorArgs {
    /// Ask this model [env: GRAVIX_MODEL]
    #[arg(short, long, value_name = "NAME", help_heading = "Model", value_hint = ValueHint::Other)]
    pub model: Option<String>,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", CONFIG_STATUS))]
pub struct ConfigArgs {
    /// Write a commented configuration file, unless one exists
    #[arg(long)]
    pub init: bool,

    /// List all profiles, with the base URL, the model and the key of each
    ///
    /// Keys themselves are not printed, and api_key_command is not run.
    #[arg(long, conflicts_with = "init")]
    pub profiles: bool,

    #[command(flatten)]
    pub settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = section("Exit status", TEMPLATES_STATUS))]
pub struct TemplatesArgs {
    /// List the templates beside this configuration file [env: GRAVIX_CONFIG]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
}
