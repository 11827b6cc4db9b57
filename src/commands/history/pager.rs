//! Text shown directly if it fits on the screen, and in the user's pager if it
//! does not.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use memchr::memchr_iter;

use crate::settings::environment::Environment;
use crate::signals::DeferSignals;

/// Buffers text until there are more lines than the screen has, then starts the
/// pager.
pub struct Pager {
    screen: File,
    /// `$PAGER`, run by the shell; `less -FR` if it is unset.
    command: Option<OsString>,
    /// How many lines the screen has.
    height: usize,
    lines: usize,
    buffer: Vec<u8>,
    running: Option<RunningPager>,
}

struct RunningPager {
    child: Child,
    /// An interrupt is meant for the pager while it has the terminal.
    _deferred: DeferSignals,
}

impl Pager {
    /// Writes to `screen`, which has `height` lines, or to the pager.
    pub fn new(screen: File, height: usize, environment: &Environment) -> Self {
        let command = environment.get("PAGER").map(ToOwned::to_owned);
        Self { screen, command, height, lines: 0, buffer: Vec::new(), running: None }
    }

    /// Writes the buffered text to the screen, or waits until the user leaves
    /// the pager. Returns false if the shell could not run `$PAGER`.
    ///
    /// # Errors
    /// When the screen cannot be written or the pager cannot be waited for.
    pub fn finish(mut self) -> io::Result<bool> {
        self.screen.write_all(&std::mem::take(&mut self.buffer))?;
        self.wait()
    }

    /// Waits for the pager, if it was started. Returns false if the shell could
    /// not run it.
    fn wait(&mut self) -> io::Result<bool> {
        let Some(mut running) = self.running.take() else {
            return Ok(true);
        };
        // Closing its input tells the pager that this is all.
        drop(running.child.stdin.take());
        // The shell exits with 127 if it cannot find a program, and with 126 if
        // it cannot run it (POSIX 2.8.2).
        Ok(!matches!(running.child.wait()?.code(), Some(126 | 127)))
    }

    fn start(&mut self) -> io::Result<()> {
        let deferred = DeferSignals::until_drop();
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
        // As git does, so that a pager that is less shows styles.
        if std::env::var_os("LESS").is_none() {
            pager.env("LESS", "FR");
        }
        let Ok(mut child) = pager.stdin(Stdio::piped()).spawn() else {
            // No pager: keep buffering, and write to the screen at the end.
            self.height = usize::MAX;
            return Ok(());
        };
        let buffer = std::mem::take(&mut self.buffer);
        let written = child.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(&buffer));
        self.running = Some(RunningPager { child, _deferred: deferred });
        written
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        // The pager has the terminal until it ends, also after an error.
        let _ = self.wait();
    }
}

impl Write for Pager {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if let Some(stdin) = self.running.as_mut().and_then(|running| running.child.stdin.as_mut())
        {
            return stdin.write(text);
        }
        self.buffer.extend_from_slice(text);
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
