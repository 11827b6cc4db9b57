//! A history file that this run created. It is removed again if it is still empty
//! when the run ends or is interrupted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::files::paths::is_still_at;
use crate::interrupt;
use crate::signals::{self, CaughtSignals};

#[derive(Debug)]
pub struct NewFile {
    unused: Arc<UnusedFile>,
    /// `None` if signals could not be caught: the file may then stay.
    caught: Option<CaughtSignals>,
}

#[derive(Debug)]
struct UnusedFile {
    file: Arc<File>,
    path: PathBuf,
    /// Locked while the file is written or removed.
    in_use: Mutex<()>,
}

impl NewFile {
    /// Watches over `file`, which this run has just created at `path` and locked.
    pub fn watch(file: Arc<File>, path: &Path) -> Self {
        let unused = UnusedFile { file, path: path.to_owned(), in_use: Mutex::new(()) };
        let unused = Arc::new(unused);
        let watched = Arc::downgrade(&unused);
        let on_signal = move |signal| {
            // It stays locked until the process is dead.
            let unused = watched.upgrade();
            let _in_use = unused.as_ref().map(|unused| unused.remove_if_empty());
            signals::die_by(signal);
        };
        // A caught signal could not end PID 1. A session catches signals itself.
        let can_catch = std::process::id() != 1 && !interrupt::is_caught();
        let signals = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
        let catch = || signals::on_first_signal(&signals, on_signal).ok();
        Self { unused, caught: can_catch.then(catch).flatten() }
    }

    /// From now on signals end the process at once. Keeps one that has come
    /// already from doing so until the value is dropped.
    pub fn use_it(&self) -> MutexGuard<'_, ()> {
        self.caught.iter().for_each(CaughtSignals::let_go);
        self.unused.lock()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        drop(self.unused.remove_if_empty());
    }
}

impl UnusedFile {
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history's lock is still held: a process that waits for it will find
    /// the path gone and reopen.
    fn remove_if_empty(&self) -> MutexGuard<'_, ()> {
        let in_use = self.lock();
        let is_empty = self.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if is_empty && is_still_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
        in_use
    }
}
