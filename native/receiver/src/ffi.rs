//! Descriptors that a forked child must not keep.
//!
//! A child made by fork(2) inherits the listener and the connections; while it lives, the port would stay bound and
//! peers would see no close. So the descriptors stand in a fixed table of atomics, and the child closes them before
//! fork returns. The handler only loads, stores and closes: all of it is async-signal-safe.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use spanwire_ground::{Hook, Part, watch_by};

const SLOTS: usize = 4096;
const EMPTY: i32 = -1;
static OPEN: [AtomicI32; SLOTS] = [const { AtomicI32::new(EMPTY) }; SLOTS];
static HOOK: Hook<()> = Hook::new(|| (), close_all);

/// A descriptor in the table; taken out when dropped, which must happen before the descriptor is closed.
#[derive(Debug)]
pub(crate) struct ClosedInChild(Option<usize>);

impl ClosedInChild {
    /// Enters `socket`'s descriptor. With a full table it is not entered, and a child would merely keep it open.
    pub(crate) fn new(socket: &impl AsRawFd) -> Self {
        // Its result is not needed: without the handler children keep descriptors open, nothing worse.
        let _ = watch_by(Part::Receiver, &HOOK);
        let descriptor: RawFd = socket.as_raw_fd();
        let slot = OPEN.iter().position(|slot| {
            slot.compare_exchange(EMPTY, descriptor, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
        });
        Self(slot)
    }
}

impl Drop for ClosedInChild {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            OPEN[slot].store(EMPTY, Ordering::Release);
        }
    }
}

fn close_all((): ()) {
    for slot in &OPEN {
        let descriptor = slot.swap(EMPTY, Ordering::AcqRel);
        if descriptor != EMPTY {
            // SAFETY: the descriptor was open in the parent when it forked, since it leaves the table before it is
            // closed, and no Rust owner in the child will use it: the child forgets the inherited server.
            unsafe { spanwire_ground::close(descriptor) };
        }
    }
}
