//! Which of the three streams is a terminal, and what text may be sent to one.

use std::io::IsTerminal;

/// Asked once, at the start.
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

    /// The size of standard output, when that is a terminal.
    pub fn size(self) -> Option<Size> {
        let size = self.stdout.then(|| terminal_size::terminal_size_of(std::io::stdout()))?;
        // A terminal that does not know its size is a small one.
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
