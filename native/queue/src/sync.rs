//! The primitives that threads meet at. Under `--cfg loom` they are loom's, which tries every order.

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
#[cfg(loom)]
pub use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
#[cfg(not(loom))]
pub use std::sync::{Condvar, Mutex, MutexGuard};

/// Between publishing a frame and looking at the mark: the order of the two for the compiler, and nothing for the processor.
///
/// The processor may look before others see what was published, so a reader that goes to sleep at the same moment may miss the
/// frame that should have kept it awake. A fence for each frame would cost more than the rest of the hand-over; instead, a
/// reader that is about to sleep for long looks a second time a little later. Loom has no time: there it is a fence.
#[inline(always)]
pub fn become_visible() {
    #[cfg(loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
    #[cfg(not(loom))]
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
}
