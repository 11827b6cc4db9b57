//! Lines of output that came before their turn, kept in a file beside the
//! output until it is theirs: who is killed loses none of them. Its first line
//! says which output it belongs to.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::append::open_private;
use crate::files::paths::{directory_of, identity, with_suffix};
use crate::files::replace::replace;

/// So many times as many lines as wait may be in the file.
const SLACK: usize = 4;

/// What the first line of such a file begins with.
pub const HEAD: &[u8] = b"{\"waiting_for\":";

pub struct Spool {
    path: PathBuf,
    head: Vec<u8>,
    file: File,
    lines: usize,
}

/// Where lines wait for the output at `path`.
pub fn beside(path: &Path) -> PathBuf {
    with_suffix(path, ".waiting")
}

/// What a run left that was killed, as lines; `None` where nothing waits for
/// the output at `path`, which is `output`.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Unwritable`] for what waits for another
/// file of that name.
pub fn left(path: &Path, output: &File) -> Result<Option<Vec<u8>>> {
    let path = beside(path);
    let kept = match fs::read(&path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename) => {
            return Ok(None);
        }
        read => read.map_err(|source| Error::Unreadable { path: path.clone(), source })?,
    };
    if !kept.starts_with(HEAD) {
        return Ok(None);
    }
    let head = head(output);
    match kept.strip_prefix(head.as_slice()) {
        Some(lines) => Ok(Some(lines.to_vec())),
        None => {
            let reason = "it holds results of another file of that name; join them with --merge, or take it away";
            Err(Error::Unwritable { path, source: io::Error::other(reason) })
        }
    }
}

/// The first line of what waits for an output.
fn head(output: &File) -> Vec<u8> {
    let identity = output.metadata().ok().and_then(|metadata| identity(&metadata));
    let (device, inode) = identity.unwrap_or_default();
    let rest = format!("[{device},{inode}]}}\n");
    [HEAD, rest.as_bytes()].concat()
}

impl Spool {
    /// One for the output at `path`, which is `output` and locked, in place of
    /// what was left.
    ///
    /// # Errors
    /// [`Error::Unwritable`].
    pub fn open(path: &Path, output: &File) -> Result<Self> {
        let (path, head) = (beside(path), head(output));
        let unwritable = |source| Error::Unwritable { path: path.clone(), source };
        if fs::read(&path).is_ok_and(|kept| !kept.is_empty() && !kept.starts_with(HEAD)) {
            let reason = "there is a file of that name, which --ordered needs";
            return Err(unwritable(io::Error::other(reason)));
        }
        let mut file = open_private(&path).map_err(unwritable)?;
        file.set_len(0).and_then(|()| file.write_all(&head)).map_err(unwritable)?;
        Ok(Self { path, head, file, lines: 0 })
    }

    /// Retention a line, which is among those that are `waiting`.
    ///
    /// # Errors
    /// [`Error::NotSaved`].
    pub fn keep<'a>(
        &mut self,
        line: &[u8],
        waiting: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<()> {
        self.lines += 1;
        let kept = match self.lines > SLACK * (waiting.len() + SLACK) {
            true => self.rewrite(waiting),
            false => self.file.write_all(line),
        };
        kept.map_err(|source| Error::NotSaved { path: self.path.clone(), source })
    }

    /// Forgets all lines: they are in the output.
    pub fn clear(&mut self) {
        // Lines that stay are known to be in the output by the next run.
        if self.lines > 0 && self.file.set_len(self.head.len() as u64).is_ok() {
            self.lines = 0;
        }
    }

    /// Takes the file away: its lines are in the output.
    pub fn remove(&self) {
        // The same holds.
        let _ = fs::remove_file(&self.path);
    }

    /// Puts another file in its place that has the lines that wait alone.
    fn rewrite<'a>(&mut self, waiting: impl ExactSizeIterator<Item = &'a [u8]>) -> io::Result<()> {
        let mut beside = tempfile::NamedTempFile::new_in(directory_of(&self.path))?;
        self.lines = waiting.len();
        beside.write_all(&self.head)?;
        for line in waiting {
            beside.write_all(line)?;
        }
        replace(beside, &self.path)?;
        self.file = open_private(&self.path)?;
        Ok(())
    }
}
