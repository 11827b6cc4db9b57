//! The names of a server's models, kept for a while in a file of their own, so that
//! TAB does not ask the server each time.

use std::fs::DirBuilder;
use std::hash::Hasher as _;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::Duration;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::files::paths::directory_of;
use crate::files::replace;
use crate::files::side_file;
use crate::settings::environment::Environment;

/// How long a list is used.
const LIFETIME: Duration = Duration::from_secs(600);

/// How long a server that gave no list is not asked again. Its file is empty.
const FAILURE_LIFETIME: Duration = Duration::from_secs(30);

/// The longest list that is read: 4 MiB.
const MAX_BYTES: u64 = 4 << 20;

/// The list of the models at one base URL.
#[derive(Debug)]
pub struct ModelsCache {
    path: PathBuf,
}

impl ModelsCache {
    /// `None` if there is no directory for it. The URL is hashed, as it may hold a
    /// secret.
    pub fn new(base_url: &str, environment: &Environment) -> Option<Self> {
        let base = environment.base_directory("XDG_CACHE_HOME", ".cache")?;
        let mut hasher = SipHasher13::new();
        hasher.write(base_url.as_bytes());
        let name = format!("models-{:032x}", hasher.finish128().as_u128());
        // Nothing is written into the current directory.
        let path = Some(base).filter(|base| base.is_absolute())?.join("gravix").join(name);
        Some(Self { path })
    }

    /// The names, if they are not too old. None of them if the server has just failed.
    pub fn read(&self) -> Option<Vec<String>> {
        let file = side_file::open_to_read(&self.path, None).ok()?;
        let metadata = file.metadata().ok()?;
        let lifetime = if metadata.len() == 0 { FAILURE_LIFETIME } else { LIFETIME };
        let age = metadata.modified().ok()?.elapsed().ok()?;
        if age >= lifetime || metadata.len() > MAX_BYTES {
            return None;
        }
        let text = std::io::read_to_string(file).ok()?;
        Some(text.lines().map(str::to_owned).collect())
    }

    /// Stores the names; none if the server failed. What cannot be stored is asked for
    /// again.
    pub fn write(&self, names: &[String]) {
        let directory = directory_of(&self.path);
        if DirBuilder::new().recursive(true).mode(0o700).create(directory).is_err() {
            return;
        }
        let Ok(mut file) = replace::create_beside(&self.path, None) else {
            return;
        };
        let text: String = names.iter().map(|name| format!("{name}\n")).collect();
        if file.write_all(text.as_bytes()).is_ok() {
            let _ = replace::replace(file, &self.path);
        }
    }
}
