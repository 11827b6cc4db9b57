//! A pseudo-terminal in place of one or more of gravix's streams.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

/// Both ends of a pseudo-terminal.
pub struct Terminal {
    master: File,
    slave: OwnedFd,
}

impl Terminal {
    pub fn open() -> Self {
        let ends = nix::pty::openpty(None, None).expect("a pseudo-terminal");
        Self { master: ends.master.into(), slave: ends.slave }
    }

    /// The terminal as a stream of a command.
    pub fn stream(&self) -> Stdio {
        self.slave.try_clone().expect("a descriptor").into()
    }

    /// All that was written to the terminal, once every writer has gone.
    pub fn read_to_end(self) -> String {
        let Self { mut master, slave } = self;
        drop(slave);
        let mut shown = Vec::new();
        // Linux reports EIO where the last writer has gone.
        let _ = master.read_to_end(&mut shown);
        String::from_utf8(shown).expect("a terminal is shown UTF-8")
    }
}
