//! What happens at a fork, whoever calls it: Python, C, a server that forks its workers.
//!
//! One set of handlers for the whole library. `prepare` lets each part take its locks, in the order of [`Part`], so that a child finds
//! their data whole; after the fork the parts give them up, the last first.

use std::cell::UnsafeCell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The parts of this library that do something at a fork, in the order of the process's locks:
///
/// 1. the forks' own lock (`FORKS`);
/// 2. [`Engine`](Self::Engine): process, descriptors, fresh headers, buffers, events;
/// 3. [`Queues`](Self::Queues): the registry of queues, then each queue's lock by address.
///
/// A thread that holds one of these takes none in front of it. Every other comment on lock order points here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The worker and its clients.
    Engine,
    /// All queues of the process.
    Queues,
    /// The table of the sink's descriptors; no lock.
    Receiver,
}

const PARTS: usize = 3;

/// Counts the forks between the first process and this one, from 1 on.
static GENERATION: AtomicU64 = AtomicU64::new(1);

static HOOKS: [OnceLock<&'static (dyn Handlers + Sync)>; PARTS] = [const { OnceLock::new() }; PARTS];

/// One fork at a time, and no new hook in the middle of one. Taken before every other lock.
static FORKS: Mutex<()> = Mutex::new(());

static FORKING: Place<MutexGuard<'static, ()>> = Place(UnsafeCell::new(None));

/// Changes in a forked child, never 0: what was begun under another generation is the parent's. Counts once somebody [watches](watch).
#[inline(always)]
#[must_use]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// A place for what the forking thread holds between two handlers of one fork.
struct Place<T>(UnsafeCell<Option<T>>);

// SAFETY: only handlers of this module touch a place, between taking `FORKS` in `prepare` and giving it up: one thread at a time. What
// is in it never leaves that thread (in the child it is the only one).
unsafe impl<T> Sync for Place<T> {}

/// What a part does at a fork.
pub struct Hook<Held: 'static> {
    hold: fn() -> Held,
    child: fn(Held),
    held: Place<Held>,
}

impl<Held> Hook<Held> {
    /// `hold` takes the part's locks before the fork; the parent drops what it gives, and `child` has it in the child, where nothing
    /// else runs yet: it may not wait, and should allocate nothing.
    #[must_use]
    pub const fn new(hold: fn() -> Held, child: fn(Held)) -> Self {
        Self {
            hold,
            child,
            held: Place(UnsafeCell::new(None)),
        }
    }
}

trait Handlers {
    /// # Safety
    /// For the handlers below, which hold `FORKS`.
    unsafe fn prepare(&self);
    /// # Safety
    /// For the handlers below, which hold `FORKS`.
    unsafe fn parent(&self);
    /// # Safety
    /// For the handlers below, which hold `FORKS`.
    unsafe fn child(&self);
}

impl<Held> Handlers for Hook<Held> {
    unsafe fn prepare(&self) {
        let held = (self.hold)();
        // SAFETY: one thread at a time, by `FORKS`.
        unsafe { *self.held.0.get() = Some(held) };
    }

    unsafe fn parent(&self) {
        // SAFETY: one thread at a time, by `FORKS`.
        drop(unsafe { (*self.held.0.get()).take() });
    }

    unsafe fn child(&self) {
        // SAFETY: one thread at a time, by `FORKS`.
        if let Some(held) = unsafe { (*self.held.0.get()).take() } {
            (self.child)(held);
        }
    }
}

/// Counts forks from now on.
///
/// # Errors
/// If the system has no memory for the handlers.
pub fn watch() -> io::Result<()> {
    static WATCHED: OnceLock<i32> = OnceLock::new();
    match *WATCHED.get_or_init(register) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Calls a hook at each fork from now on. Of two hooks of one part the first stays.
///
/// # Errors
/// If the system has no memory for the handlers.
pub fn watch_by<Held: 'static>(part: Part, hook: &'static Hook<Held>) -> io::Result<()> {
    watch()?;
    let place = &HOOKS[part as usize];
    if place.get().is_none() {
        let _no_fork = FORKS.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = place.set(hook);
    }
    Ok(())
}

#[cfg(not(miri))]
fn register() -> i32 {
    // SAFETY: three functions that live as long as the process: this library is never unloaded.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) }
}

/// Miri has no forks.
#[cfg(miri)]
fn register() -> i32 {
    let _: [unsafe extern "C" fn(); 3] = [prepare, parent, child];
    0
}

fn hooks() -> impl DoubleEndedIterator<Item = &'static (dyn Handlers + Sync)> {
    HOOKS.iter().filter_map(|place| place.get().copied())
}

/// # Safety
/// A handler of fork: called by the C library, on the thread that forks, in its turn.
unsafe extern "C" fn prepare() {
    let forking = FORKS.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: `FORKS` is held.
    unsafe { *FORKING.0.get() = Some(forking) };
    for hook in hooks() {
        // SAFETY: as above.
        unsafe { hook.prepare() };
    }
}

/// # Safety
/// A handler of fork: called by the C library, on the thread that forks, in its turn.
unsafe extern "C" fn parent() {
    for hook in hooks().rev() {
        // SAFETY: `FORKS` is held since `prepare`.
        unsafe { hook.parent() };
    }
    // SAFETY: as above.
    drop(unsafe { (*FORKING.0.get()).take() });
}

/// # Safety
/// A handler of fork: called by the C library, on the thread that forks, in its turn.
unsafe extern "C" fn child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    for hook in hooks().rev() {
        // SAFETY: `FORKS` is held since `prepare`.
        unsafe { hook.child() };
    }
    // SAFETY: as above.
    drop(unsafe { (*FORKING.0.get()).take() });
}

/// Closes a descriptor that a forked child inherited and that nothing in the child owns.
///
/// # Safety
/// Nothing else in this process uses or will close `descriptor`.
pub unsafe fn close(descriptor: std::os::fd::RawFd) {
    // SAFETY: as the caller says. An error leaves nothing to do.
    unsafe { libc::close(descriptor) };
}

#[cfg(all(test, not(miri)))]
mod tests {
    use std::thread;

    use super::*;
    use crate::testing::in_fork;

    static LOCK: Mutex<u8> = Mutex::new(1);

    fn hold() -> MutexGuard<'static, u8> {
        LOCK.lock().unwrap_or_else(PoisonError::into_inner)
    }

    static HOOK: Hook<MutexGuard<'static, u8>> = Hook::new(hold, |mut held| *held = 7);

    #[test]
    fn a_child_finds_locks_free_and_another_generation_whoever_forks() {
        watch_by(Part::Engine, &HOOK).expect("handlers");
        let before = generation();
        assert_ne!(before, 0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        drop(hold());
                        let found = in_fork(|| [u8::from(generation() == before + 1), *hold()]);
                        assert_eq!(found, Some([1, 7]));
                    }
                });
            }
        });
        assert_eq!((generation(), *hold()), (before, 1));
    }
}
