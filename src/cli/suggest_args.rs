//! Arguments of `gravix suggest`.

use std::ffi::OsString;

use clap::ValueHint;

use crate::cli::model_args::ModelArgs;
use crate::cli::shared_args::{LogArgs, NetworkArgs, ReplyLimitArgs, SettingsArgs, VerbosityArgs};
use crate::cli::values::shell_name;

#[derive(Debug, clap::Args)]
pub struct SuggestArgs {
    /// What the command is to do; the words are joined by spaces
    #[arg(value_name = "REQUEST")]
    pub words: Vec<OsString>,

    /// Write the command for this shell [env: SHELL]
    ///
    /// NAME is a name such as bash, zsh or fish. Without it, the shell is the one
    /// that the variable SHELL names, or sh.
    #[arg(long, value_name = "NAME", value_parser = shell_name, help_heading = "Input", value_hint = ValueHint::Other)]
    pub shell: Option<String>,

    #[command(flatten)]
    pub model: ModelArgs,

    /// Report tokens, time to first token and tokens per second on stderr
    #[arg(short, long, help_heading = "Output", hide_short_help = true)]
    pub usage: bool,

    #[command(flatten)]
    pub log: LogArgs,

    /// Print the request body and send nothing
    #[arg(long, help_heading = "Output", hide_short_help = true)]
    pub dry_run: bool,

    #[command(flatten)]
    pub verbosity: VerbosityArgs,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub limits: ReplyLimitArgs,

    #[command(flatten)]
    pub settings: SettingsArgs,
}
