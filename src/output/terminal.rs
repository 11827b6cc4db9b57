//! Which of the three standard streams is a terminal, and its size.

use std::io::IsTerminal;

use crate::output::stdout::TextMode;

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
        let size = self.stdout.then(|| terminal_size::terminal_size_of(std::io::stdout()))?;
        // A terminal that does not report its size is taken for a VT100.
        let (width, height) = size.map_or((80, 24), |(width, height)| (width.0, height.0));
        Some(Size { width: width.into(), height: height.into() })
    }
}

/// In columns and lines.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub width: usize,
    pub height: usize,
}
