//! Options that set the fields of a request, which `ask` and `batch` share.

use clap::ValueHint;

use crate::cli::values::{positive, within};

// The model and its parameters. Each is sent only if given.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// Use this model [env: GRAVIX_MODEL]
    #[arg(short, long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub model: Option<String>,

    /// Set the sampling temperature, 0 to 2
    #[arg(short, long, alias = "temp", value_name = "T", value_parser = within::<0, 2>, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub temperature: Option<f64>,

    /// Sample from the likeliest tokens with total probability P, 0 to 1
    #[arg(long, value_name = "P", value_parser = within::<0, 1>, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub top_p: Option<f64>,

    /// Stop the reply after N tokens
    #[arg(long, value_name = "N", value_parser = positive, allow_negative_numbers = true, value_hint = ValueHint::Other)]
    pub max_tokens: Option<u32>,

    /// Stop the reply before TEXT (repeatable, up to 4 times)
    #[arg(long, value_name = "TEXT", hide_short_help = true, value_hint = ValueHint::Other)]
    pub stop: Vec<String>,

    /// Seed the sampling, to get the same reply each time if possible
    #[arg(long, value_name = "N", allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub seed: Option<i64>,

    /// Penalize tokens that have already occurred, -2 to 2
    #[arg(long, value_name = "P", value_parser = within::<-2, 2>, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub presence_penalty: Option<f64>,

    /// Penalize tokens by how often they have occurred, -2 to 2
    #[arg(long, value_name = "P", value_parser = within::<-2, 2>, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub frequency_penalty: Option<f64>,

    /// Send any other field of the request (repeatable)
    ///
    /// VALUE is JSON if it parses as JSON, and a string otherwise. A dot goes
    /// one level down: options.num_ctx=8192 sends
    /// {"options":{"num_ctx":8192}}. These fields override all other options,
    /// but not the fields of a line in batch; objects are merged.
    #[arg(long, value_name = "NAME=VALUE", hide_short_help = true, value_hint = ValueHint::Other)]
    pub param: Vec<String>,

    /// Merge a JSON object into the request
    ///
    /// A value that begins with '{' is the object itself; any other value is
    /// the name of a file. Its fields override all other options except
    /// --param. In ask, messages in the object are the whole conversation: give
    /// no prompt, --system or --history. In batch, the object cannot have
    /// messages.
    #[arg(long, value_name = "FILE|JSON", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub body: Option<String>,
}
