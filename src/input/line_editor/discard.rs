//! Keys that are thrown away.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::read;

/// A paste is over when nothing has come for this long.
const QUIET_MS: u8 = 100;

/// Throws away what comes until the terminal is quiet: the rest of a paste, whose lines
/// must not be taken for messages and commands.
pub fn discard_keys() {
    let stdin = io::stdin();
    let Ok(mode) = tcgetattr(&stdin) else { return };
    let mut raw = mode.clone();
    cfmakeraw(&mut raw);
    // Without it, only whole lines could be read.
    let _ = tcsetattr(&stdin, SetArg::TCSANOW, &raw);
    loop {
        let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, QUIET_MS) {
            Err(Errno::EINTR) => {}
            Ok(1..) if read(&stdin, &mut [0; 4096]).is_ok_and(|count| count > 0) => {}
            _ => break,
        }
    }
    let _ = tcsetattr(&stdin, SetArg::TCSANOW, &mode);
}
