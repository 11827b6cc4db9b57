//! Which of the three standard streams is a terminal, and its size.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

use crate::output::stdout::TextMode;
use crate::output::window::{self, Size};

/// Detected once, when gravix starts.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

impl Terminal {
    pub fn detect() -> Self {
        Self {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
        }
    }

    /// How text is written to standard output: sanitized if it is a terminal.
    pub fn text_mode(self) -> TextMode {
        if self.stdout { TextMode::Sanitized } else { TextMode::Exact }
    }

    /// The size of the terminal on standard output, if it is one.
    pub fn size(self) -> Option<Size> {
        self.stdout.then(window::size)
    }
}

/// The terminal puts marks around what is pasted, or no longer (xterm's bracketed paste).
const WITH_PASTE_MARKS: &[u8] = b"\x1b[?2004h";
const WITHOUT_PASTE_MARKS: &[u8] = b"\x1b[?2004l";

/// While this lives, the terminal marks what is pasted, so that the line editor, which
/// reads it later, takes it for one message.
pub struct PasteMarks;

impl PasteMarks {
    pub fn begin() -> Self {
        let _ = io::stdout().write_all(WITH_PASTE_MARKS).and_then(|()| io::stdout().flush());
        Self
    }
}

impl Drop for PasteMarks {
    fn drop(&mut self) {
        let _ = io::stdout().write_all(WITHOUT_PASTE_MARKS).and_then(|()| io::stdout().flush());
    }
}

/// How the terminal on standard input was set before a line was edited.
static MODE: Mutex<Option<Termios>> = Mutex::new(None);

/// Remembers how the terminal is set, for [`restore_mode`].
pub fn remember_mode() {
    *MODE.lock().unwrap_or_else(PoisonError::into_inner) = tcgetattr(io::stdin()).ok();
}

/// Sets the terminal as it was remembered, if it was: the line editor may be ended in
/// the middle of a line.
pub fn restore_mode() {
    if let Some(mode) = &*MODE.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = io::stdout().write_all(&[WITHOUT_PASTE_MARKS, b"\n"].concat());
        // Last, and at once: the line editor may be about to change it.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, mode);
    }
}
