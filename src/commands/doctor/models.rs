//! What the server's list of models says about a model.

use crate::commands::doctor::report::Finding;
use crate::commands::hints::Hints;
use crate::error::{Error, Result};
use crate::output::sanitize::{is_harmful, visible};
use crate::wire::model_list::ModelList;

/// How many names are suggested.
const MAX_SUGGESTED: usize = 3;

/// Names with a higher Jaro-Winkler similarity are suggested.
const MIN_SIMILARITY: f64 = 0.75;

/// The size of the list alone.
pub fn count(list: &ModelList) -> (Finding, String) {
    let plural = if list.names.len() == 1 { "" } else { "s" };
    (Finding::Fine, format!("{} model{plural}", list.names.len()))
}

/// Whether `model` is in the list. A name that is missing is no fault yet: servers
/// have aliases.
pub fn judge(list: &ModelList, model: &str, hints: &Hints) -> (Finding, String) {
    // Ollama lists the tag that it adds to a name without one.
    let latest = format!("{model}:latest");
    if list.names.iter().any(|name| name == model || *name == latest) {
        return (Finding::Fine, format!("{}, {model} is one of them", count(list).1));
    }
    let shown = |name: &&str| {
        name.chars().map(|c| if is_harmful(c) { visible(c) } else { c.to_string() }).collect()
    };
    let nearest: Vec<String> = nearest(list, model).iter().map(shown).collect();
    let way_out = match nearest.is_empty() {
        true => format!("see gravix models{}", hints.target_options()),
        false => format!("the nearest: {}", nearest.join(", ")),
    };
    (Finding::Warning, format!("{}, but no {model}; {way_out}", count(list).1))
}

/// The most similar names, the nearest first.
fn nearest<'a>(list: &'a ModelList, model: &str) -> Vec<&'a str> {
    let model = model.to_lowercase();
    let mut similar: Vec<(f64, &str)> = list
        .names
        .iter()
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &model), name.as_str()))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .collect();
    similar.sort_by(|one, other| other.0.total_cmp(&one.0));
    similar.into_iter().take(MAX_SUGGESTED).map(|(_, name)| name).collect()
}

/// What to say of a server that has no list, which not every server has.
///
/// # Errors
/// `error`, if it is about something else.
pub fn without_list(error: Error) -> Result<(Finding, String)> {
    match &error {
        Error::Server(server) if matches!(server.status(), Some(404 | 405 | 501)) => {
            Ok((Finding::Warning, format!("no list: {error}")))
        }
        _ => Err(error),
    }
}
