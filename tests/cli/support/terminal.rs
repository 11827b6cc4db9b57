//! A pseudo-terminal for the standard streams of gravix.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::Winsize;

/// Both ends of a pseudo-terminal.
pub struct Terminal {
    master: File,
    slave: OwnedFd,
}

impl Terminal {
    pub fn open() -> Self {
        Self::with_size(None)
    }

    /// A terminal with this many columns.
    pub fn with_width(ws_col: u16) -> Self {
        Self::with_rows(24, ws_col)
    }

    /// A terminal with this many rows and columns.
    pub fn with_rows(ws_row: u16, ws_col: u16) -> Self {
        Self::with_size(Some(&Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }))
    }

    fn with_size(size: Option<&Winsize>) -> Self {
        let ends = nix::pty::openpty(size, None).expect("a pseudo-terminal is opened");
        // The programs that other tests start must not hold it open.
        for end in [&ends.master, &ends.slave] {
            let close = FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC);
            fcntl(end, close).expect("the descriptor is open");
        }
        Self { master: ends.master.into(), slave: ends.slave }
    }

    /// The terminal as a stream of a command.
    pub fn stream(&self) -> Stdio {
        self.slave.try_clone().expect("the descriptor is duplicated").into()
    }

    /// The end that shows what is written to the terminal, and takes what is typed.
    pub fn into_master(self) -> File {
        self.master
    }

    /// What another program, such as a shell, writes to the terminal.
    pub fn write(&self, text: &str) {
        let slave = self.slave.try_clone().expect("the descriptor is duplicated");
        File::from(slave).write_all(text.as_bytes()).expect("the terminal is open");
    }

    /// Reads what is written to the terminal up to the end of `part`.
    pub fn read_past(&mut self, part: &str) -> String {
        let mut shown = Vec::new();
        while !shown.ends_with(part.as_bytes()) {
            let mut byte = [0];
            self.master.read_exact(&mut byte).expect("the terminal is open");
            shown.extend(byte);
        }
        String::from_utf8(shown).expect("the terminal gets UTF-8")
    }

    /// Everything written to the terminal, once all writers have closed it.
    pub fn read_to_end(self) -> String {
        let Self { mut master, slave } = self;
        drop(slave);
        let mut shown = Vec::new();
        // Linux reports EIO when the last writer has closed the terminal.
        let _ = master.read_to_end(&mut shown);
        String::from_utf8(shown).expect("the terminal gets UTF-8")
    }
}
