//! The memory of the process, which holds the key.

/// Keeps the memory out of core dumps, and from debuggers and other processes of
/// the same user (prctl(2), `PR_SET_DUMPABLE`). The process itself can still open
/// `/proc/self/fd`, so pipes of the shell such as `<(…)` work, and the programs
/// that it runs are not affected. Where this is not possible, the key is as safe
/// as the user's other processes.
pub fn forbid_dumps() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}
