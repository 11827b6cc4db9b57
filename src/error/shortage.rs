//! I/O errors that say that this process or the machine can have no more.

use std::io;

use nix::errno::Errno;

/// Whether this process can open no more files, sockets included.
pub fn is_out_of_files(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::EMFILE])
}

/// Whether this process can start no more processes or threads, or has no more
/// files or memory for them.
pub fn is_out_of_processes(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::EAGAIN, Errno::ENOMEM, Errno::EMFILE])
}

/// Whether the whole machine has no more files, memory or ports.
pub fn is_machine_full(error: &io::Error) -> bool {
    let shortages =
        [Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM, Errno::EAGAIN, Errno::EADDRNOTAVAIL];
    is_one_of(error, &shortages)
}

fn is_one_of(error: &io::Error, numbers: &[Errno]) -> bool {
    error.raw_os_error().is_some_and(|number| numbers.contains(&Errno::from_raw(number)))
}
