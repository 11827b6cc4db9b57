//! The size of the terminal on standard output, and the width of that on stderr.

use std::io;

use terminal_size::terminal_size_of;

/// In columns and lines.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub width: usize,
    pub height: usize,
}

/// The size of the terminal on standard output. One that does not report its size is
/// taken for a VT100.
pub fn size() -> Size {
    let size = terminal_size_of(io::stdout());
    let (width, height) = size.map_or((80, 24), |(width, height)| (width.0, height.0));
    Size { width: width.into(), height: height.into() }
}

/// The columns of the terminal on stderr, if it is one that reports them.
pub fn width_of_stderr() -> Option<usize> {
    terminal_size_of(io::stderr()).map(|(width, _)| width.0.into())
}
