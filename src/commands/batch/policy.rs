//! What the replies of a batch must be, and what is said about single requests.

use std::sync::Arc;

use crate::batch::progress::Progress;
use crate::batch::worker::{AttemptReporter, ReplyPolicies, RequestPolicy, SchemaReporter};
use crate::chat::format::ReplyFormat;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::{CheckedReply, Pick, ReplyPolicy};
use crate::cli::BatchArgs;
use crate::commands::hints::Hints;
use crate::commands::schema_notes;
use crate::input::reply_policy;
use crate::output::notes::Notes;

/// What is called for single requests.
pub struct Reporters {
    pub schema: SchemaReporter,
    pub attempt: AttemptReporter,
}

pub fn reply_policies(format: ReplyFormat, args: &BatchArgs) -> ReplyPolicies {
    let policy = |format, pick| {
        let mut policy = ReplyPolicy {
            format,
            pick,
            thoughts: ThoughtsPolicy::TakeAll,
            must_call: false,
            repairs: args.json.repair.unwrap_or(0),
            max_bytes: reply_policy::max_bytes(&args.limits),
        };
        if policy.takes_any_text() && args.reasoning.is_none() {
            policy.thoughts = ThoughtsPolicy::Keep;
        }
        policy
    };
    ReplyPolicies {
        default: policy(format, reply_policy::pick(&args.pick)),
        own_format: policy(ReplyFormat::Text, Pick::Whole),
    }
}

/// With `is_text`, only texts are written.
pub fn request_policy(
    replies: Arc<ReplyPolicies>,
    is_text: bool,
    hints: &Hints,
    reporters: Reporters,
) -> RequestPolicy {
    let hints = hints.clone();
    RequestPolicy {
        replies,
        describe: Box::new(move |error| hints.message(error)),
        warning: if is_text { warning_about_text } else { CheckedReply::warning },
        report: reporters.schema,
        attempted: reporters.attempt,
    }
}

/// The warning about a reply of which only the text is printed.
fn warning_about_text(checked: &CheckedReply) -> Option<String> {
    let mut names: Vec<&str> = checked.calls.iter().map(|call| call.name.as_str()).collect();
    if names.is_empty() {
        return checked.warning();
    }
    names.sort_unstable();
    names.dedup();
    Some(format!("the reply calls {}, which is not written", names.join(" and ")))
}

/// Reports what concerns schemas without disturbing the progress bar.
pub fn schema_reporter(progress: Progress, notes: &Notes) -> SchemaReporter {
    let report = schema_notes::in_batch(notes.clone());
    Box::new(move |id, notice| progress.suspend(|| report(id, notice)))
}
