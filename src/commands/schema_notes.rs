//! What is said about a schema: what of it replies are not checked against, and
//! whether the server keeps to it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::batch::worker::SchemaNotice;
use crate::chat::format::ReplyFormat;
use crate::chat::schema::SchemaPattern;
use crate::error::ServerError;
use crate::output::notes::Notes;

/// What is said before a question is asked.
pub fn before_asking(format: &ReplyFormat, notes: &Notes) {
    warn_of_unchecked(format, notes);
    not_strict(format).iter().for_each(|reason| notes.detail(reason));
}

/// Warns of what replies are not checked against.
pub fn warn_of_unchecked(format: &ReplyFormat, notes: &Notes) {
    let ReplyFormat::Schema(schema) = format else {
        return;
    };
    for SchemaPattern { text, place } in schema.unchecked() {
        notes.warn(format_args!(
            "replies are not checked against the pattern {text} (at {place} in the schema), which gravix cannot read"
        ));
    }
}

/// Why the server is not asked to follow the schema strictly; `None` if it is, or
/// if there is no schema.
pub fn not_strict(format: &ReplyFormat) -> Option<String> {
    let ReplyFormat::Schema(schema) = format else {
        return None;
    };
    let obstacle = schema.strict_obstacle()?;
    Some(format!("the server is asked to follow the schema, but not strictly: {obstacle}"))
}

pub fn without_strict(error: &ServerError) -> String {
    format!("{error}; asking again without strict")
}

pub fn too_slow(SchemaPattern { text, place }: &SchemaPattern) -> String {
    format!(
        "the reply was not checked against the pattern {text} (at {place} in the schema), which took too long"
    )
}

pub fn without_schema(error: &ServerError) -> String {
    format!("{error}; asking again without a schema")
}

/// Reports notices of the requests of a batch. Of slow patterns, only the first
/// one is reported: the others may be as many as there are replies.
pub fn in_batch(notes: Notes) -> impl Fn(&str, &SchemaNotice<'_>) + Send + Sync {
    let is_slowness_known = AtomicBool::new(false);
    move |id, notice| match notice {
        SchemaNotice::Refused(error) => {
            notes.detail(format_args!("request {id}: {}", without_schema(error)))
        }
        SchemaNotice::StrictRefused(error) => notes.note(without_strict(error)),
        SchemaNotice::Unchecked(pattern) => {
            if !is_slowness_known.swap(true, Ordering::Relaxed) {
                notes.warn(format_args!("request {id}: {}; there may be more", too_slow(pattern)));
            }
        }
    }
}
