//! How many files the process may open: each connection is one.

use anyhow::anyhow;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::{Error, Result};

/// Those that are not the jobs'.
const OTHERS: u64 = 32;

/// Makes sure that so many jobs can have their connections: what is allowed
/// is raised as far as the machine lets it be. The stand-in's ends of them are
/// here too.
///
/// # Errors
/// [`Error::Config`].
pub fn ensure_for(jobs: u16, has_stand_in: bool) -> Result<()> {
    let needed = u64::from(jobs) * if has_stand_in { 2 } else { 1 } + OTHERS;
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < needed => {
            match needed <= hard && setrlimit(Resource::RLIMIT_NOFILE, needed, hard).is_ok() {
                true => Ok(()),
                false => Err(Error::Config(anyhow!(
                    "{jobs} jobs need {needed} open files, and this machine allows {hard}; --jobs takes fewer"
                ))),
            }
        }
        // A machine that does not say has no limit that could be raised.
        _ => Ok(()),
    }
}
