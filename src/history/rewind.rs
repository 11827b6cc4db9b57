//! Asking the last question of a history again: the new reply takes the place of the
//! old one.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::files::replace;
use crate::history::conversation::History;

impl History {
    /// Leaves out what follows the newest user message, unless that is still to be
    /// answered. From now on, [`Self::append`] replaces what was left out, atomically.
    /// Returns false if there is no user message in the window.
    pub fn rewind(&mut self) -> bool {
        let question = self.scan.last_prompt.clone();
        if question.is_empty() {
            return false;
        }
        if self.last_role() == Some("assistant") {
            self.scan.messages.end = question.end;
            self.scan.last_role = Some("user".to_owned());
            self.replaced_from = Some(question.end);
        }
        true
    }
}

/// Replaces `file` at `path` with its first `end` bytes and `lines`. The owner and the
/// permissions stay.
pub(super) fn replace_from(file: &File, path: &Path, end: u64, lines: &[u8]) -> io::Result<()> {
    let new = replace::create_like(file, path)?;
    let mut source = file;
    source.seek(SeekFrom::Start(0))?;
    let mut out = BufWriter::new(new.as_file());
    io::copy(&mut source.take(end), &mut out)?;
    // The question may lack its line end, or have white space before it.
    out.write_all(b"\n")?;
    out.write_all(lines)?;
    out.flush()?;
    drop(out);
    replace::replace(new, path).map(drop)
}
