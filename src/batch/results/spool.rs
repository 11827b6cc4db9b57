//! The spool of `--ordered`: a file beside the result file that holds results
//! until it is their turn, so that none is lost if the run is killed. Its first
//! line says which result file it belongs to.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::paths::{identity, with_suffix};
use crate::files::{replace, side_file};

/// The spool is rewritten once it has more than about this many times as many
/// lines as wait, so that it does not grow with the run.
const SLACK: usize = 4;

/// The beginning of a spool's first line.
pub const HEADER_START: &[u8] = b"{\"waiting_for\":";

pub struct Spool {
    path: PathBuf,
    header: Vec<u8>,
    file: File,
    /// How many lines it has, without the header.
    lines: usize,
}

/// The path of the spool for the result file at `path`.
pub fn path_for(path: &Path) -> PathBuf {
    with_suffix(path, ".waiting")
}

/// The spool for `results`, which is at `path`, and the lines that a killed run left
/// in it. Returns `None` if there is no spool.
///
/// # Errors
/// [`Error::SideFile`] if it cannot be opened, or is not a regular file of the
/// user's own, [`Error::Unreadable`], and [`Error::Unwritable`] if it belongs to
/// another file that had this path before.
pub fn read_leftover(path: &Path, results: &File) -> Result<Option<(File, Vec<u8>)>> {
    let path = path_for(path);
    let mut file = match side_file::open_to_read(&path, Some(results)) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename) => {
            return Ok(None);
        }
        Err(source) => {
            let task = "read the waiting results in".to_owned();
            return Err(Error::SideFile { task, path, source });
        }
    };
    let mut content = Vec::new();
    file.read_to_end(&mut content)
        .map_err(|source| Error::Unreadable { path: path.clone(), source })?;
    if !content.starts_with(HEADER_START) {
        return Ok(None);
    }
    match content.strip_prefix(header(results).as_slice()) {
        Some(lines) => Ok(Some((file, lines.to_vec()))),
        None => {
            let reason = "it holds results of another file that had the same name; merge them with --merge, or delete it";
            Err(Error::Unwritable { path, source: io::Error::other(reason) })
        }
    }
}

/// The first line of the spool for a result file, which it identifies by device
/// and inode.
fn header(results: &File) -> Vec<u8> {
    let identity = results.metadata().ok().and_then(|metadata| identity(&metadata));
    let (device, inode) = identity.unwrap_or_default();
    let rest = format!("[{device},{inode}]}}\n");
    [HEADER_START, rest.as_bytes()].concat()
}

impl Spool {
    /// Creates an empty spool for `results`, which is at `path` and locked. It
    /// replaces one that was left over.
    ///
    /// # Errors
    /// [`Error::SideFile`], and [`Error::Unwritable`] if a file that is not a spool
    /// has its path.
    pub fn create(path: &Path, results: &File) -> Result<Self> {
        let (path, header) = (path_for(path), header(results));
        let unwritable = |source| Error::Unwritable { path: path.clone(), source };
        let mut file = side_file::open_to_append(&path, results).map_err(|source| {
            let task = "keep waiting results in".to_owned();
            Error::SideFile { task, path: path.clone(), source }
        })?;
        let mut start = Vec::new();
        let limit = HEADER_START.len() as u64;
        Read::by_ref(&mut file).take(limit).read_to_end(&mut start).map_err(unwritable)?;
        if !start.is_empty() && start != HEADER_START {
            let reason =
                "--ordered needs this name, but the file is not from gravix; rename or delete it";
            return Err(unwritable(io::Error::other(reason)));
        }
        replace::remove_abandoned(&path);
        file.set_len(0).and_then(|()| file.write_all(&header)).map_err(unwritable)?;
        Ok(Self { path, header, file, lines: 0 })
    }

    /// Adds a line, which must be one of the `waiting` lines.
    ///
    /// # Errors
    /// [`Error::NotSaved`].
    pub fn push<'a>(
        &mut self,
        line: &[u8],
        waiting: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<()> {
        self.lines += 1;
        let written = match self.lines > SLACK * (waiting.len() + SLACK) {
            true => self.rewrite(waiting),
            false => self.file.write_all(line),
        };
        written.map_err(|source| Error::NotSaved { path: self.path.clone(), source })
    }

    /// Removes all lines: they are in the result file.
    pub fn clear(&mut self) {
        let mut clear = || {
            self.file.set_len(self.header.len() as u64)?;
            self.file.seek(SeekFrom::End(0))
        };
        // If lines stay, the next run sees that they are done.
        if self.lines > 0 && clear().is_ok() {
            self.lines = 0;
        }
    }

    /// Removes the spool: its lines are in the result file.
    pub fn remove(&self) {
        // If it stays, the next run sees that its lines are done.
        let _ = fs::remove_file(&self.path);
    }

    /// Replaces the spool by one that has only the `waiting` lines.
    fn rewrite<'a>(&mut self, waiting: impl ExactSizeIterator<Item = &'a [u8]>) -> io::Result<()> {
        let mut new = replace::create_beside(&self.path, None)?;
        self.lines = waiting.len();
        new.write_all(&self.header)?;
        for line in waiting {
            new.write_all(line)?;
        }
        self.file = new.persist(&self.path)?;
        Ok(())
    }
}
