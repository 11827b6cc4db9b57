//! A text for people: on the terminal as it is where it fits, and otherwise
//! in the user's pager. Knows nothing of what is shown.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::process::{Child, Command, Stdio};

use memchr::memchr_iter;

use crate::environment::Environment;

/// Holds back what fits the screen; the line that does not starts the pager.
pub struct Pager {
    screen: File,
    command: String,
    /// How many lines fit.
    height: usize,
    lines: usize,
    held: Vec<u8>,
    child: Option<Child>,
}

impl Pager {
    /// Writes to `screen`, which is `height` lines high, or to `$PAGER`,
    /// which is `less -FR` where it is unset.
    pub fn new(screen: File, height: usize, environment: &Environment) -> Self {
        let command = environment.get("PAGER").and_then(|pager| pager.to_str());
        Self {
            screen,
            command: command.unwrap_or("less -FR").to_owned(),
            height,
            lines: 0,
            held: Vec::new(),
            child: None,
        }
    }

    /// Shows what is still held back, and waits until the pager is left.
    pub fn finish(mut self) -> io::Result<()> {
        match self.child.take() {
            None => self.screen.write_all(&self.held),
            Some(mut child) => {
                // What is closed here tells the pager that this is all.
                drop(child.stdin.take());
                child.wait().map(drop)
            }
        }
    }

    fn start(&mut self) -> io::Result<()> {
        let mut shell = Command::new("sh");
        let child = shell.args(["-c", &self.command]).stdin(Stdio::piped()).spawn();
        // Without a shell there is no pager either: the screen will do.
        let Ok(mut child) = child else {
            self.height = usize::MAX;
            return Ok(());
        };
        let held = std::mem::take(&mut self.held);
        let written = child.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(&held));
        self.child = Some(child);
        written
    }
}

impl Write for Pager {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if let Some(stdin) = self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            return stdin.write(text);
        }
        self.held.extend_from_slice(text);
        self.lines += memchr_iter(b'\n', text).count();
        if self.lines >= self.height {
            self.start()?;
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pager that is left early is no fault.
pub fn or_left(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
