//! Lines of output that came before their turn, kept in a file beside the
//! output until it is theirs: who is killed loses none of them.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::append::open_private;
use crate::error::{Error, Result};
use crate::paths::{directory_of, with_suffix};

/// So many times as many lines as wait may be in the file.
const SLACK: usize = 4;

pub struct Spool {
    path: PathBuf,
    file: Option<File>,
    lines: usize,
}

impl Spool {
    /// That of the output at `path`, which is locked.
    pub fn beside(path: &Path) -> Self {
        Self { path: with_suffix(path, ".waiting"), file: None, lines: 0 }
    }

    /// What a run left that was killed.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub fn left(&self) -> Result<Vec<u8>> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|source| Error::Unreadable { path: self.path.clone(), source }),
        }
    }

    /// Keeps a line, which is the last of those that are `waiting`.
    ///
    /// # Errors
    /// [`Error::NotSaved`].
    pub fn keep<'a>(
        &mut self,
        line: &[u8],
        waiting: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<()> {
        let kept = if self.lines > SLACK * (waiting.len() + SLACK) {
            self.rewrite(waiting)
        } else {
            self.add(line)
        };
        kept.map_err(|source| Error::NotSaved { path: self.path.clone(), source })
    }

    /// Forgets all lines: they are in the output.
    pub fn clear(&mut self) {
        // Lines that stay are known to be in the output by the next run.
        if let Some(file) = &self.file
            && self.lines > 0
            && file.set_len(0).is_ok()
        {
            self.lines = 0;
        }
    }

    /// Takes the file away: its lines are in the output.
    pub fn remove(&mut self) {
        self.file = None;
        // The same holds.
        let _ = fs::remove_file(&self.path);
    }

    fn add(&mut self, line: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(open_private(&self.path)?);
        }
        self.lines += 1;
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(line))
    }

    /// Puts another file in its place that has the lines that wait alone.
    fn rewrite<'a>(&mut self, waiting: impl ExactSizeIterator<Item = &'a [u8]>) -> io::Result<()> {
        let mut beside = tempfile::NamedTempFile::new_in(directory_of(&self.path))?;
        self.lines = waiting.len();
        for line in waiting {
            beside.write_all(line)?;
        }
        beside.persist(&self.path)?;
        self.file = Some(open_private(&self.path)?);
        Ok(())
    }
}
