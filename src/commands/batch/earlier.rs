//! What the results of earlier runs mean for this one, as the options say.

use crate::batch::earlier::{ChangedRequests, Earlier, RetriedFailures};
use crate::cli::BatchArgs;
use crate::cli::values::{ChangedAction, FailureKind};
use crate::output::notes::Notes;
use crate::output::numbers::grouped;

/// How earlier results count.
pub fn earlier(args: &BatchArgs) -> Earlier {
    let changed = match args.changed {
        None => ChangedRequests::Refuse,
        Some(ChangedAction::Redo) => ChangedRequests::Redo,
        Some(ChangedAction::Keep) => ChangedRequests::Keep,
    };
    let retried = match args.retry_failed {
        None | Some(FailureKind::Temporary) => RetriedFailures::Temporary,
        Some(FailureKind::All) => RetriedFailures::All,
    };
    Earlier::new(changed, retried)
}

/// Tells of results that do not say which request they answer.
pub fn note_known_by_id(earlier: &Earlier, notes: &Notes) {
    let told = match earlier.known_by_id() {
        0 => return,
        1 => "1 result does not say which request was sent (another program or an older gravix wrote it): its id alone decides what is done".to_owned(),
        count => format!(
            "{} results do not say which request was sent (another program or an older gravix wrote them): their ids alone decide what is done",
            grouped(count as u64)
        ),
    };
    notes.note(told);
}
