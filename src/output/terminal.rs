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
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, mode);
        // The end of bracketed paste (xterm's control sequences).
        let _ = io::stdout().write_all(b"\x1b[?2004l\n");
    }
}
