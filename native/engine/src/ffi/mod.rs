//! Calls into libc: fork handlers, closing by number, scheduling. The only unsafe code of this crate is in this folder.

pub mod fork;

use std::cell::UnsafeCell;
use std::io;
use std::os::fd::RawFd;

/// A place for what the forking thread holds between the handlers of one fork.
pub struct ForkCell<T>(UnsafeCell<Option<T>>);

// SAFETY: the cell is used by fork handlers only. `put` comes after locks were taken that are in `T`, and `take` gives them
// up only after it has read the cell, so no two threads are between them at once.
unsafe impl<T> Sync for ForkCell<T> {}

impl<T> ForkCell<T> {
    /// An empty cell.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// Keeps `held` until [`take`](Self::take).
    ///
    /// # Safety
    /// Called from the `prepare` handler, with locks in `held` that every other caller of `put` must have taken before.
    pub unsafe fn put(&self, held: T) {
        // SAFETY: exclusive, as the caller says.
        unsafe { *self.0.get() = Some(held) }
    }

    /// Gives back what was put.
    ///
    /// # Safety
    /// Called from the `parent` or `child` handler of the same fork.
    pub unsafe fn take(&self) -> Option<T> {
        // SAFETY: the locks put in are still held, so no other thread is in `put`.
        unsafe { (*self.0.get()).take() }
    }
}

/// Registers fork handlers, for ever: this library is never unloaded.
pub fn at_fork(
    prepare: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) -> io::Result<()> {
    // SAFETY: three functions that live as long as the process.
    match unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Closes a descriptor that a forked child inherited and that nothing in the child owns.
///
/// # Safety
/// Nothing else in this process uses or will close `descriptor`.
pub unsafe fn close(descriptor: RawFd) {
    // SAFETY: as the caller says. An error leaves nothing to do.
    unsafe { libc::close(descriptor) };
}

/// Lets this thread wait for its turn when it is woken, instead of taking the processor from whoever woke it: that is an
/// application's thread in the middle of ending a span. Where the system refuses, nothing changes.
pub fn do_not_preempt() {
    // SAFETY: changes the calling thread's scheduling only; all zeros are valid parameters, of priority 0.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters);
    }
}

/// Runs `child` in a forked child; whether it answered true there.
#[cfg(test)]
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
