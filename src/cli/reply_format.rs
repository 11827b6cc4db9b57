//! Options that require a format of the reply: JSON, a word, yes or no, or a
//! tool call.

use std::path::PathBuf;

use clap::ValueHint;

use crate::cli::values::count;

// The options for replies in JSON, which `ask` and `batch` share.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct JsonFormatArgs {
    /// Require a JSON object (JSON mode)
    ///
    /// A code fence around the object is removed. For any other reply, the exit
    /// status is 65; in batch, the request fails.
    #[arg(long, hide_short_help = true)]
    pub json_object: bool,

    /// Require JSON that matches this schema
    ///
    /// A value that begins with '{', or is true, is the JSON Schema itself; any
    /// other value is the name of a file. The schema is sent with the request,
    /// named after its title, and gravix also checks the reply against it. If
    /// the reply does not match, nothing is printed to standard output and the
    /// exit status is 65; in batch, the request fails. No reply is printed
    /// before it is checked.
    ///
    /// The server is asked to follow the schema strictly only if it qualifies
    /// by OpenAI's rules: of type object, with additionalProperties false and
    /// all fields required in every object, and without keywords such as oneOf.
    /// A server that refuses it all the same is asked again without strict.
    ///
    /// gravix knows the drafts 4, 6, 7, 2019-09 and 2020-12 ($schema; without
    /// it, 2020-12). In none of them does it check format, contentEncoding or
    /// contentMediaType. Patterns are regular expressions as in JavaScript. One
    /// that cannot be read, or takes too long, is left out with a warning. A $ref
    /// to another document is refused: nothing is fetched.
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "json_object", value_hint = ValueHint::FilePath)]
    pub schema: Option<String>,

    /// Ask again up to N times if the reply is not in the requested format
    ///
    /// The next request includes the invalid reply and the reason; neither is
    /// saved. A reply that was cut off at its length limit is not asked for
    /// again.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true, hide_short_help = true, value_hint = ValueHint::Other)]
    pub repair: Option<u32>,
}

// The options for replies of one word, which `ask`, `chat` and `batch` share.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct WordFormatArgs {
    /// Require one of these words, and print it
    ///
    /// The words are added to the system prompt, and sent as a schema too if
    /// the server accepts one. For any other reply, the exit status is 65; in batch,
    /// the request fails.
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        num_args = 1,
        conflicts_with_all = ["json_object", "schema", "extract", "extract_last"],
        hide_short_help = true,
        value_hint = ValueHint::Other
    )]
    pub choose: Vec<String>,

    /// Require yes or no; in ask, as the exit status 0 or 1
    ///
    /// ask prints nothing: its exit status is 0 for yes and 1 for no. For any other
    /// reply, it is 65. Failures keep their own statuses. In batch, --text prints yes
    /// or no, which have no influence on the exit status, and a request with any other
    /// reply fails.
    #[arg(
        long,
        conflicts_with_all = ["json_object", "schema", "choose", "extract", "extract_last"],
        hide_short_help = true
    )]
    pub yes_no: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct ReplyFormatArgs {
    #[command(flatten)]
    pub json: JsonFormatArgs,

    #[command(flatten)]
    pub words: WordFormatArgs,

    /// Offer the model the tools defined in FILE, a JSON array
    ///
    /// When the model calls tools, each call is printed as one line of JSON
    /// with its id, name and arguments. Text that comes with the calls goes to
    /// standard error (with --json or --events, it is part of the output). The
    /// reply is printed once it is complete, even with --stream. To answer a call,
    /// append the result to the history as a line
    /// {"role":"tool","tool_call_id":ID,"content":TEXT}, then use --continue.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["choose", "yes_no"],
        hide_short_help = true,
        value_hint = ValueHint::FilePath
    )]
    pub tools: Option<PathBuf>,

    /// Set which tool to call: auto, none, required, or a tool's name
    ///
    /// If the reply does not make a required call, the exit status is 65. Needs
    /// --tools.
    #[arg(long, value_name = "CHOICE", hide_short_help = true, value_hint = ValueHint::Other)]
    pub tool_choice: Option<String>,
}
