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
