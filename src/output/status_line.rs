//! A line at the bottom of the terminal on stderr that is drawn again and again.

use std::io::{self, Write};

use nix::unistd::{getpgrp, tcgetpgrp};

use crate::output::window;

/// The width of a terminal that does not report its size.
const DEFAULT_WIDTH: usize = 80;

/// Erases the row of the cursor, from there on, and those below it.
const ERASE: &str = "\x1b[J";

/// Saves the cursor's position, and goes back to it (DECSC and DECRC).
const SAVE: &str = "\x1b7";
const RESTORE: &str = "\x1b8";

/// Wrapping off and on (DECAWM): while the terminal is made narrower, a line may
/// still be made for its old width, and must not spread over two rows.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Where the line begins. The cursor stays there. So a terminal that wraps the line
/// again when its width changes keeps the cursor at the first of its rows, and all
/// of them can be erased without moving up, where older output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStart {
    /// At the first column. What the terminal echoes, such as ^C, is erased
    /// together with the line.
    Margin,
    /// Where the cursor is: what is before it stays.
    Cursor,
}

#[derive(Debug)]
pub struct StatusLine {
    start: LineStart,
    is_drawn: bool,
}

impl StatusLine {
    pub const fn new(start: LineStart) -> Self {
        Self { start, is_drawn: false }
    }

    /// Draws what `line` makes of the number of columns, in place of what was
    /// drawn before. Draws nothing while another job has the terminal.
    pub fn draw(&mut self, line: impl FnOnce(usize) -> String) {
        if !is_in_foreground() {
            self.is_drawn = false;
            return;
        }
        let width = window::width_of_stderr().unwrap_or(DEFAULT_WIDTH);
        // Some terminals wrap as soon as the last column is written.
        let line = line(width.saturating_sub(1));
        write(&match self.start {
            LineStart::Margin => format!("\r{ERASE}{NO_WRAP}{line}{WRAP}\r"),
            LineStart::Cursor => format!("{ERASE}{SAVE}{NO_WRAP}{line}{RESTORE}{WRAP}"),
        });
        self.is_drawn = true;
    }

    /// Erases the line.
    pub fn erase(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            match self.start {
                LineStart::Margin => write(&format!("\r{ERASE}")),
                LineStart::Cursor => write(ERASE),
            }
        }
    }
}

/// Writes all of `text` at once. Errors are ignored: there is nowhere left to
/// report them.
fn write(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Returns true also for a terminal that controls no jobs.
fn is_in_foreground() -> bool {
    tcgetpgrp(io::stderr()).map_or(true, |group| group == getpgrp())
}
