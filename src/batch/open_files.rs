//! The limit of open files: each connection needs one.

use anyhow::anyhow;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::{Error, Result};

/// Files that are open besides the jobs' connections.
const OTHER_FILES: u64 = 32;

/// Raises the process's limit of open files, if needed, so that each job can
/// have a connection. With the mock server, both ends of a connection belong
/// to this process.
///
/// # Errors
/// [`Error::Config`] if the system's hard limit is too low.
pub fn raise_limit(jobs: u16, is_mock: bool) -> Result<()> {
    let per_job = if is_mock { 2 } else { 1 };
    let needed = u64::from(jobs) * per_job + OTHER_FILES;
    let (limit, name) = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < needed && hard < needed => (hard, "hard limit"),
        Ok((soft, hard)) if soft < needed => {
            match setrlimit(Resource::RLIMIT_NOFILE, needed, hard) {
                Ok(()) => return Ok(()),
                Err(_) => (soft, "limit"),
            }
        }
        // If the limit is unknown, opening a file reports that it was reached.
        _ => return Ok(()),
    };
    Err(Error::Config(match limit.saturating_sub(OTHER_FILES) / per_job {
        0 => {
            let least = OTHER_FILES + per_job;
            anyhow!("a batch needs {least} open files, but the {name} is {limit}; raise it")
        }
        // These are fewer than `jobs`, which are thus several.
        possible => anyhow!(
            "{jobs} jobs need {needed} open files, but the {name} is {limit}; use --jobs {possible}"
        ),
    }))
}
