//! The size of the terminal on standard output.

/// In columns and lines.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub width: usize,
    pub height: usize,
}

/// The size of the terminal on standard output. One that does not report its size is
/// taken for a VT100.
pub fn size() -> Size {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let (width, height) = size.map_or((80, 24), |(width, height)| (width.0, height.0));
    Size { width: width.into(), height: height.into() }
}
