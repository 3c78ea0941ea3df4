//! Forks: the only unsafe calls of this crate beside its arena.
//!
//! Before a fork every queue's lock is taken, so a child finds them whole; in the child their writers are sent to the lock, where
//! they see that what is there is the parent's.

#[cfg(not(any(miri, loom)))]
use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::state::Shared;
#[cfg(not(any(miri, loom)))]
use crate::{state::State, sync::MutexGuard as StateGuard};

/// Counts the forks between the first process and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// All queues, by address.
static QUEUES: Mutex<BTreeMap<usize, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// Changes in a forked child, whoever forked: what was queued under another generation is the parent's.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

fn queues() -> MutexGuard<'static, BTreeMap<usize, Weak<Shared>>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new queue, whose forks are to be seen.
pub fn register(shared: &Arc<Shared>) {
    queues().insert(Arc::as_ptr(shared).addr(), Arc::downgrade(shared));
}

/// A queue that is gone.
pub fn unregister(shared: &Shared) {
    queues().remove(&std::ptr::from_ref(shared).addr());
}

/// Sees to it that forks are noticed from now on.
pub fn watch_forks() -> io::Result<()> {
    static WATCHED: OnceLock<i32> = OnceLock::new();
    match *WATCHED.get_or_init(register_handlers) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(not(any(miri, loom)))]
fn register_handlers() -> i32 {
    // SAFETY: three functions that live as long as the process: this library is never unloaded.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) }
}

/// Miri and loom have no forks.
#[cfg(any(miri, loom))]
fn register_handlers() -> i32 {
    0
}

/// What the forking thread holds between the handlers of one fork. Dropped from top to bottom: the last handle on a queue takes
/// the registry's lock when it goes.
#[cfg(not(any(miri, loom)))]
struct Held {
    _states: Vec<StateGuard<'static, State>>,
    _registry: MutexGuard<'static, BTreeMap<usize, Weak<Shared>>>,
    queues: Vec<Arc<Shared>>,
}

#[cfg(not(any(miri, loom)))]
struct HeldCell(UnsafeCell<Option<Held>>);

// SAFETY: it is touched by fork handlers only, after `prepare` took the registry's lock, which it holds: no two at once.
#[cfg(not(any(miri, loom)))]
unsafe impl Sync for HeldCell {}

#[cfg(not(any(miri, loom)))]
static HELD: HeldCell = HeldCell(UnsafeCell::new(None));

/// # Safety
/// A handler of fork: called by the C library, on the thread that forks, in its turn.
#[cfg(not(any(miri, loom)))]
unsafe extern "C" fn prepare() {
    let registry = queues();
    let queues: Vec<_> = registry.values().filter_map(Weak::upgrade).collect();
    let hold = |queue: &Arc<Shared>| {
        let guard = queue.hold();
        // SAFETY: the queue lives as long as its handle in `Held`, which is dropped after the guard.
        unsafe { std::mem::transmute::<StateGuard<'_, State>, StateGuard<'static, State>>(guard) }
    };
    let all = Held {
        _states: queues.iter().map(hold).collect(),
        _registry: registry,
        queues,
    };
    // SAFETY: the registry's lock is held, so no other thread is between `prepare` and the handler after the fork.
    unsafe { *HELD.0.get() = Some(all) };
}

/// # Safety
/// A handler of fork: called by the C library, on the thread that forks, in its turn.
#[cfg(not(any(miri, loom)))]
unsafe extern "C" fn parent() {
    // SAFETY: what `prepare` of this fork put there, with the locks still held.
    drop(unsafe { (*HELD.0.get()).take() });
}

/// # Safety
/// A handler of fork: called by the C library, on the thread that forks, in its turn.
#[cfg(not(any(miri, loom)))]
unsafe extern "C" fn child() {
    // SAFETY: as in `parent`.
    if let Some(held) = unsafe { (*HELD.0.get()).take() } {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        held.queues.iter().for_each(|queue| queue.interrupt());
    }
}

/// Runs `child` in a forked child; whether it answered true there.
#[cfg(all(test, not(any(miri, loom))))]
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
