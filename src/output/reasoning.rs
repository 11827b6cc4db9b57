//! The model's reasoning, printed on stderr as it arrives.

use std::io::{self, Stderr, Write};

use crate::output::sanitize::push_sanitized;
use crate::secret::Secrets;

const DIM: &[u8] = b"\x1b[2m";
const RESET: &[u8] = b"\x1b[0m";

/// Buffers reasoning until [`Self::flush`]. Errors of writing are ignored, as in
/// [`Notes`](crate::output::notes::Notes).
#[derive(Debug)]
pub struct ReasoningWriter<W> {
    writer: W,
    is_dim: bool,
    /// Masked in what is written together.
    secrets: Secrets,
    buffer: String,
    lacks_newline: bool,
}

impl ReasoningWriter<Stderr> {
    /// Writes to stderr, dim if `is_dim`.
    pub fn stderr(is_dim: bool, secrets: &Secrets) -> Self {
        Self::new(io::stderr(), is_dim, secrets.clone())
    }
}

impl<W: Write> ReasoningWriter<W> {
    pub fn new(writer: W, is_dim: bool, secrets: Secrets) -> Self {
        Self { writer, is_dim, secrets, buffer: String::new(), lacks_newline: false }
    }

    pub fn write(&mut self, text: &str) {
        if !text.is_empty() {
            self.buffer += text;
            self.lacks_newline = !text.ends_with('\n');
        }
    }

    pub fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let masked = self.secrets.mask(std::mem::take(&mut self.buffer));
        let mut text = Vec::new();
        push_sanitized(&mut text, &masked);
        let text = if self.is_dim { [DIM, &text, RESET].concat() } else { text };
        let _ = self.writer.write_all(&text);
    }

    /// Ends the reasoning with a newline, before something else is printed.
    pub fn end(&mut self) {
        self.flush();
        if std::mem::take(&mut self.lacks_newline) {
            let _ = self.writer.write_all(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(is_dim: bool, write: impl FnOnce(&mut ReasoningWriter<&mut Vec<u8>>)) -> String {
        let mut written = Vec::new();
        write(&mut ReasoningWriter::new(&mut written, is_dim, Secrets::default()));
        String::from_utf8(written).expect("UTF-8")
    }

    #[test]
    fn reasoning_is_sanitized_and_ends_with_a_newline() {
        let text = written(false, |writer| {
            writer.write("a\x1b[31m");
            writer.write("b");
            writer.end();
            writer.end();
        });
        assert_eq!(text, "a^[[31mb\n");
    }

    #[test]
    fn each_piece_is_dim_on_a_terminal() {
        let text = written(true, |writer| {
            writer.write("a");
            writer.flush();
            writer.flush();
            writer.write("b\n");
            writer.end();
        });
        assert_eq!(text, "\x1b[2ma\x1b[0m\x1b[2mb\n\x1b[0m");
    }
}
