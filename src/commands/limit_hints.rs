//! What the user can do where a limit was reached: of the system, or of gravix.

use std::io::{self, ErrorKind};

use crate::error::is_out_of_files;

/// What to do if there are no more open files.
pub const MORE_FILES: &str = "run ulimit -n 1024 first (needs root if the hard limit is lower)";

const MORE_PROCESSES: &str =
    "raise ulimit -u (processes) or ulimit -v (memory); in a container, its pids limit";

const MORE_MEMORY: &str = "raise ulimit -v, or the container's limit of memory";

/// What to do if the system refused a file, a thread or memory for this reason.
pub fn for_system(reason: &io::Error) -> &'static str {
    match reason.kind() {
        _ if is_out_of_files(reason) => MORE_FILES,
        ErrorKind::OutOfMemory => MORE_MEMORY,
        _ => MORE_PROCESSES,
    }
}

/// What to do if a reply takes more than `limit` bytes: allow four times as many.
pub fn for_reply(limit: usize) -> String {
    let wanted = limit.saturating_mul(4);
    let units = [(30, "G"), (20, "M"), (10, "K")];
    let unit = units.iter().find(|(shift, _)| wanted.is_multiple_of(1 << shift));
    let wanted =
        unit.map_or(wanted.to_string(), |(shift, unit)| format!("{}{unit}", wanted >> shift));
    format!("use --max-reply-bytes {wanted}")
}

/// What to do about a reply that was cut off at its limit of tokens.
pub fn for_length(is_chat: bool) -> &'static str {
    if is_chat { "/set max_tokens=N allows a longer one" } else { "raise --max-tokens" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_a_reply_is_raised_as_it_is_typed() {
        for (limit, hint) in [
            (256 << 20, "use --max-reply-bytes 1G"),
            (1 << 10, "use --max-reply-bytes 4K"),
            (2001, "use --max-reply-bytes 8004"),
        ] {
            assert_eq!(for_reply(limit), hint);
        }
    }
}
