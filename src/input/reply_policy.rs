//! The policy for replies, made from options.

use crate::chat::format::{Choice, ReplyFormat};
use crate::chat::schema::Schema;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::{Pick, ReplyPolicy};
use crate::cli::AskArgs;
use crate::cli::reply_format::{JsonFormatArgs, WordFormatArgs};
use crate::cli::reply_output::PickArgs;
use crate::cli::shared_args::ReplyLimitArgs;
use crate::error::{Error, Result};
use crate::input::file_or_json;

/// The reply policy of `ask`.
///
/// # Errors
/// [`Error::Usage`] for an invalid `--choose`, [`Error::Unreadable`] if the
/// schema file cannot be read, [`Error::Input`] if it is not a JSON Schema.
pub fn from_args(args: &AskArgs) -> Result<ReplyPolicy> {
    let choice = args.format.tool_choice.as_deref();
    let is_forced = choice.is_some_and(|choice| !matches!(choice, "auto" | "none"));
    Ok(ReplyPolicy {
        format: format(&args.format.json, &args.format.words)?,
        pick: pick(&args.output.pick),
        thoughts: ThoughtsPolicy::Keep,
        must_call: is_forced && args.format.tools.is_some(),
        repairs: args.format.json.repair.unwrap_or(0),
        max_bytes: max_bytes(&args.limits),
    })
}

/// How much of a reply may be held in memory: 256 MiB unless the user says
/// otherwise.
pub fn max_bytes(args: &ReplyLimitArgs) -> usize {
    args.max_reply_bytes.unwrap_or(256 << 20)
}

/// The part of a reply that is asked for.
pub fn pick(args: &PickArgs) -> Pick {
    match (&args.extract, &args.extract_last) {
        (Some(language), _) => Pick::FirstBlock(language.clone()),
        (None, Some(language)) => Pick::LastBlock(language.clone()),
        (None, None) => Pick::Whole,
    }
}

/// The format that a reply must have; text if no option says otherwise.
///
/// # Errors
/// [`Error::Usage`] for an invalid `--choose`, [`Error::Unreadable`] if the schema file
/// cannot be read, [`Error::Input`] if it is not a JSON Schema.
pub fn format(json: &JsonFormatArgs, words: &WordFormatArgs) -> Result<ReplyFormat> {
    if words.yes_no {
        return Ok(ReplyFormat::Choice(Choice::new(vec!["yes".to_owned(), "no".to_owned()])));
    }
    if words.choose.is_empty() {
        return json_format(json);
    }
    let words: Vec<String> = words.choose.iter().map(|word| word.trim().to_owned()).collect();
    let is_repeated = |(index, word): (usize, &String)| words[..index].contains(word);
    if words.len() < 2
        || words.iter().any(String::is_empty)
        || words.iter().enumerate().any(is_repeated)
    {
        let message = "--choose takes at least two different words, as in --choose red,green,blue";
        return Err(Error::Usage(message.to_owned()));
    }
    Ok(ReplyFormat::Choice(Choice::new(words)))
}

/// The reply format of `--schema` or `--json-object`; text if neither is given.
fn json_format(args: &JsonFormatArgs) -> Result<ReplyFormat> {
    if let Some(schema) = &args.schema {
        let (text, name) = match schema.as_str() {
            // Schemas too, though they do not begin with a brace.
            "true" | "false" => (schema.clone(), "--schema".to_owned()),
            _ => file_or_json::read("--schema", schema)?,
        };
        return Ok(ReplyFormat::Schema(Box::new(Schema::parse(&text, &name)?)));
    }
    Ok(if args.json_object { ReplyFormat::JsonObject } else { ReplyFormat::Text })
}
