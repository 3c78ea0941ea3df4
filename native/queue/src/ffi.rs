//! Fork handlers: the only unsafe calls of this crate beside its arena.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the forks between the first process and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Changes in a forked child, whoever forked: what was queued under another generation is the parent's.
#[inline(always)]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Sees to it that forks are noticed from now on.
pub fn watch_forks() -> io::Result<()> {
    static WATCHED: OnceLock<i32> = OnceLock::new();
    match *WATCHED.get_or_init(register) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(not(miri))]
fn register() -> i32 {
    // SAFETY: the handler lives as long as the process (this library is never unloaded) and only adds to an atomic.
    unsafe { libc::pthread_atfork(None, None, Some(child)) }
}

/// Miri has no forks.
#[cfg(miri)]
fn register() -> i32 {
    0
}

#[cfg(not(miri))]
unsafe extern "C" fn child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Runs `child` in a forked child; whether it answered true there.
#[cfg(all(test, not(miri)))]
pub fn fork_and_wait(child: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child only runs `child` and leaves without running destructors or exit handlers.
    match unsafe { libc::fork() } {
        0 => {
            let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(false);
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!good)) }
        }
        pid => {
            let mut status = 0;
            // SAFETY: waits for the child above.
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            pid > 0 && status == 0
        }
    }
}
