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
    let needed = u64::from(jobs) * if is_mock { 2 } else { 1 } + OTHER_FILES;
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < needed => {
            match needed <= hard && setrlimit(Resource::RLIMIT_NOFILE, needed, hard).is_ok() {
                true => Ok(()),
                false => Err(Error::Config(anyhow!(
                    "{jobs} jobs need {needed} open files, but the limit is {hard}; lower --jobs"
                ))),
            }
        }
        // If the limit is unknown, opening a file reports that it was reached.
        _ => Ok(()),
    }
}
