//! What the replies of a batch must be, and what is said about single requests.

use crate::batch::progress::Progress;
use crate::batch::worker::{RequestPolicy, SchemaReporter};
use crate::chat::format::ReplyFormat;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::{Pick, ReplyPolicy};
use crate::cli::BatchArgs;
use crate::commands::hints::Hints;
use crate::commands::schema_notes;
use crate::input::reply_policy;
use crate::output::notes::Notes;

/// `report` is told what concerns the schema of a request.
pub fn request_policy(
    format: ReplyFormat,
    args: &BatchArgs,
    hints: &Hints,
    report: SchemaReporter,
) -> RequestPolicy {
    let policy = |format| ReplyPolicy {
        thoughts: match format {
            ReplyFormat::Text if args.reasoning.is_none() => ThoughtsPolicy::Keep,
            _ => ThoughtsPolicy::TakeAll,
        },
        format,
        pick: Pick::Whole,
        must_call: false,
        repairs: args.json.repair.unwrap_or(0),
        max_bytes: reply_policy::max_bytes(&args.limits),
    };
    let hints = hints.clone();
    RequestPolicy {
        default: policy(format),
        own_format: policy(ReplyFormat::Text),
        describe: Box::new(move |error| hints.message(error)),
        report,
    }
}

/// Reports what concerns schemas without disturbing the progress bar.
pub fn schema_reporter(progress: Progress, notes: &Notes) -> SchemaReporter {
    let report = schema_notes::in_batch(notes.clone());
    Box::new(move |id, notice| progress.suspend(|| report(id, notice)))
}
