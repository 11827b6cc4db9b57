//! Names that are really near to a typed one: a slip of the fingers, or the
//! beginning of the name. What only looks alike is not suggested, because a wrong
//! suggestion teaches nothing.

/// How much of a name has to be typed to be taken for its beginning.
const MIN_START: usize = 3;

/// The one of the names that was most likely meant.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().filter(|name| *name != typed);
    let near = near.filter_map(|name| Some((distance(typed, name)?, name)));
    near.min_by_key(|(distance, name)| (*distance, name.len())).map(|(_, name)| name)
}

/// How many slips lie between the two; `None` if it is too many for one mistake.
fn distance(typed: &str, name: &str) -> Option<usize> {
    let slips = strsim::osa_distance(typed, name);
    let is_start = typed.len() >= MIN_START && name.starts_with(typed);
    // `--streaming` is `--stream`.
    let is_longer = name.len() > MIN_START && typed.starts_with(name);
    let allowed = match typed.len() {
        0..=2 => 0,
        3..=4 => 1,
        _ => 2,
    };
    match slips {
        _ if slips <= allowed => Some(slips),
        _ if is_start || is_longer => Some(allowed + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_really_near_is_found() {
        let names = ["stream", "no-stream", "choose", "curl", "temperature", "models", "history"];
        for (typed, near) in [
            ("strem", Some("stream")),
            ("steram", Some("stream")),
            ("streaming", Some("stream")),
            ("temper", Some("temperature")),
            ("model", Some("models")),
            ("color", None),
            ("host", None),
            ("hi", None),
            ("list", None),
            ("stream", None),
        ] {
            assert_eq!(nearest(typed, names), near, "{typed}");
        }
    }
}
