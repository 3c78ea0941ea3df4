//! What happens at a fork, whoever calls it: Python, C, a server that forks its workers.
//!
//! `prepare` takes every lock of this crate and its transport, so a child finds their data whole. The child closes the
//! inherited descriptors (epoll first, then sockets, without a word to their peers), marks the state for a reset, and frees
//! nothing: the worker's runtime, its tasks and its TLS sessions are leaked. All of it is async-signal-safe.

use std::sync::MutexGuard;
use std::sync::atomic::{AtomicU64, Ordering};

use spanwire_transport::descriptors;

use crate::process::Process;
use crate::{buffer, ffi, process};

/// Counts the forks between the first process and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

static HELD: ffi::ForkCell<Held> = ffi::ForkCell::new();

/// Every lock, in the order in which they nest.
struct Held {
    process: MutexGuard<'static, Process>,
    descriptors: descriptors::Held,
    _buffers: MutexGuard<'static, Vec<Vec<u8>>>,
}

/// Changes in a forked child: what was begun under another generation belongs to the parent.
#[must_use]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Sees to it that forks are noticed from now on.
pub(crate) fn watch() -> std::io::Result<()> {
    ffi::at_fork(prepare, parent, child)
}

unsafe extern "C" fn prepare() {
    let held = Held {
        process: process::hold(),
        descriptors: descriptors::hold(),
        _buffers: buffer::hold(),
    };
    // SAFETY: this is the prepare handler, and `held` has locks that only one thread can have.
    unsafe { HELD.put(held) };
}

unsafe extern "C" fn parent() {
    // SAFETY: the parent handler of the fork that `prepare` began.
    drop(unsafe { HELD.take() });
}

unsafe extern "C" fn child() {
    // SAFETY: the child handler of the fork that `prepare` began.
    if let Some(mut held) = unsafe { HELD.take() } {
        // SAFETY: the listed descriptors belong to a runtime that no thread of this process runs any more.
        held.descriptors.drain(|descriptor| unsafe { ffi::close(descriptor) });
        held.process.forked = true;
        GENERATION.fetch_add(1, Ordering::Relaxed);
    }
}
