//! A text for people: on the terminal as it is where it fits, and otherwise
//! in the user's pager. Knows nothing of what is shown.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use memchr::memchr_iter;

use crate::settings::environment::Environment;
use crate::signals::DeferSignals;

/// Holds back what fits the screen; the line that does not starts the pager.
pub struct Pager {
    screen: File,
    /// As the shell takes it; `less -FR` where there is none.
    command: Option<OsString>,
    /// How many lines fit.
    height: usize,
    lines: usize,
    held: Vec<u8>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// An interrupt is for the pager, which has the terminal.
    _hold: DeferSignals,
}

impl Pager {
    /// Writes to `screen`, which is `height` lines high, or to `$PAGER`,
    /// which is `less -FR` where it is unset.
    pub fn new(screen: File, height: usize, environment: &Environment) -> Self {
        let command = environment.get("PAGER").map(ToOwned::to_owned);
        Self { screen, command, height, lines: 0, held: Vec::new(), running: None }
    }

    /// Shows what is still held back, and waits until the pager is left.
    /// Tells whether the pager could be run, where one was needed.
    ///
    /// # Errors
    /// Those of the screen.
    pub fn finish(mut self) -> io::Result<bool> {
        self.screen.write_all(&std::mem::take(&mut self.held))?;
        self.leave()
    }

    /// Waits until the pager is left, if it runs.
    fn leave(&mut self) -> io::Result<bool> {
        let Some(mut running) = self.running.take() else {
            return Ok(true);
        };
        // What is closed here tells the pager that this is all.
        drop(running.child.stdin.take());
        // So a shell says that there is no such program, or none that runs.
        Ok(!matches!(running.child.wait()?.code(), Some(126 | 127)))
    }

    fn start(&mut self) -> io::Result<()> {
        let hold = DeferSignals::until_drop();
        let mut pager = match &self.command {
            Some(command) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(command);
                shell
            }
            None => {
                let mut less = Command::new("less");
                less.arg("-FR");
                less
            }
        };
        let Ok(mut child) = pager.stdin(Stdio::piped()).spawn() else {
            // Without a pager the screen will do.
            self.height = usize::MAX;
            return Ok(());
        };
        let held = std::mem::take(&mut self.held);
        let written = child.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(&held));
        self.running = Some(Running { child, _hold: hold });
        written
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        // The terminal is the pager's until it ends, whatever else went wrong.
        let _ = self.leave();
    }
}

impl Write for Pager {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if let Some(stdin) = self.running.as_mut().and_then(|running| running.child.stdin.as_mut())
        {
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
