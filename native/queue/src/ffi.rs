//! What queues do at a fork.
//!
//! Before it every queue's lock is taken, so a child finds them whole; in the child their writers are sent to the lock, where
//! they see that what is there is the parent's. The order of the locks: [`spanwire_ground::Part`].

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub use spanwire_ground::generation;
#[cfg(not(any(miri, loom)))]
use spanwire_ground::{Hook, Part};

use crate::state::Shared;
#[cfg(not(any(miri, loom)))]
use crate::{state::State, sync::MutexGuard as StateGuard};

/// All queues, by address.
static QUEUES: Mutex<BTreeMap<usize, Weak<Shared>>> = Mutex::new(BTreeMap::new());

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
#[cfg(not(any(miri, loom)))]
pub fn watch_forks() -> io::Result<()> {
    static HOOK: Hook<Held> = Hook::new(hold, child);
    spanwire_ground::watch_by(Part::Queues, &HOOK)
}

/// Miri and loom have no forks.
#[cfg(any(miri, loom))]
pub fn watch_forks() -> io::Result<()> {
    Ok(())
}

/// What the forking thread holds. Dropped from top to bottom: the last handle on a queue takes the registry's lock when it goes.
#[cfg(not(any(miri, loom)))]
struct Held {
    _states: Vec<StateGuard<'static, State>>,
    _registry: MutexGuard<'static, BTreeMap<usize, Weak<Shared>>>,
    queues: Vec<Arc<Shared>>,
}

#[cfg(not(any(miri, loom)))]
fn hold() -> Held {
    let registry = queues();
    let queues: Vec<_> = registry.values().filter_map(Weak::upgrade).collect();
    let hold = |queue: &Arc<Shared>| {
        let guard = queue.hold();
        // SAFETY: the queue lives as long as its handle in `Held`, which is dropped after the guard.
        unsafe { std::mem::transmute::<StateGuard<'_, State>, StateGuard<'static, State>>(guard) }
    };
    Held {
        _states: queues.iter().map(hold).collect(),
        _registry: registry,
        queues,
    }
}

/// Frees two vectors, and a queue whose last handle was dropped meanwhile: the allocator is whole in a child, as the interpreter needs it too.
#[cfg(not(any(miri, loom)))]
#[allow(clippy::needless_pass_by_value)] // its locks are given up here
fn child(held: Held) {
    held.queues.iter().for_each(|queue| queue.interrupt());
}
