//! What the reply must be.

use std::path::PathBuf;

use clap::ValueHint;

use crate::cli::values::count;

/// The JSON that the reply must be.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct SchemaArgs {
    /// Take nothing but a JSON object (JSON mode)
    ///
    /// A code fence around it is taken off. Anything else is exit status 65,
    /// and in a batch a failure of its request.
    #[arg(long, hide_short_help = true)]
    pub json_object: bool,

    /// Take nothing but JSON of this JSON Schema
    ///
    /// The schema is sent along (strict, named after its title), and the
    /// reply is checked against it here too: one that it does not describe is
    /// exit status 65, and standard output stays empty; in a batch it is a
    /// failure of its request. The reply is printed when it is whole, also
    /// with --stream. FILE|JSON is the schema itself when it begins with '{',
    /// and the name of a file otherwise.
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "json_object", value_hint = ValueHint::FilePath)]
    pub schema: Option<String>,

    /// Ask again up to N times when the reply is not what was asked for
    ///
    /// The wrong reply, and what is wrong with it, go into the next request
    /// alone, not into the history. A reply that was cut at its length limit
    /// is not asked for again.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub repair: Option<u32>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct FormatArgs {
    #[command(flatten)]
    pub schema: SchemaArgs,

    /// Take nothing but one of these words, and print it
    ///
    /// The model is told the words, also by a schema where the server takes
    /// one. Anything else is exit status 65.
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        num_args = 1,
        conflicts_with_all = ["json_object", "schema", "tools", "extract", "extract_last"],
        hide_short_help = true,
        value_hint = ValueHint::Other
    )]
    pub choose: Vec<String>,

    /// Print nothing: exit status 0 is yes, and 1 is no
    ///
    /// Anything else is exit status 65; a failure has its own status, too.
    #[arg(
        long,
        conflicts_with_all = [
            "json_object", "schema", "choose", "tools", "output", "extract", "extract_last",
        ],
        hide_short_help = true
    )]
    pub yes_no: bool,

    /// Offer the model the tools that FILE defines, a JSON array
    ///
    /// When the model calls tools, each call is one line of JSON on standard
    /// output, with its id, its name and its arguments; text that comes with
    /// them goes to standard error (unless --json or --events prints it). The reply is printed when it is whole,
    /// also with --stream. Append the result to the history, as a line
    /// {"role":"tool","tool_call_id":ID,"content":TEXT}, and --continue.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_hint = ValueHint::FilePath)]
    pub tools: Option<PathBuf>,

    /// Which tool to call: auto, none, required, or a tool's name
    ///
    /// A reply that does not call what must be called is exit status 65.
    #[arg(long, value_name = "CHOICE", hide_short_help = true, value_hint = ValueHint::Other)]
    pub tool_choice: Option<String>,
}
