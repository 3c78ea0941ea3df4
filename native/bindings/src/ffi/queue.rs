//! Hands finished frames over to the queue.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use pyo3::Python;
use spanwire_queue::{Appended, GroupCache, Lane, Waited, Writer};
use spanwire_record::{SpanRecord, Status};

use super::gil::GilCell;
use crate::tracer::Tracer;

/// `SpanwireQueue` of `spanwire_api.h`: what a `_native.FrameQueue` owns.
pub struct Queue {
    pub writer: GilCell<Writer>,
    /// Its reading end, for what is read in Python.
    pub lane: Weak<Lane>,
    /// The groups of spans that were pushed.
    pub groups: GilCell<GroupCache>,
    /// Milliseconds that a span waits for room at most, if the lane is one that blocks.
    pub patience: AtomicU64,
    /// Bytes at most of the frame for which there was no room last.
    pub wanted: AtomicUsize,
}

impl Queue {
    /// Appends a frame of at most `len` bytes by `append`; [`Status::FULL`]: where the lane blocks there was no room. Who can wait calls
    /// [`wait`](Self::wait) then, and appends again until that says otherwise.
    #[inline(always)]
    pub fn append(&self, py: Python<'_>, len: usize, append: impl FnOnce(&mut Writer) -> Appended) -> Status {
        match self.writer.with(py, append) {
            Appended::Done => Status::OK,
            Appended::Attend => Status::ATTEND,
            Appended::Full => {
                self.wanted.store(len, Ordering::Relaxed);
                Status::FULL
            }
        }
    }

    /// [`append`](Self::append) for what may be called several times, and holds nothing that another thread could use while this one
    /// waits without the GIL.
    pub fn append_patiently(
        &self,
        py: Python<'_>,
        len: usize,
        mut append: impl FnMut(&mut Writer) -> Appended,
    ) -> Status {
        let mut waited = Duration::ZERO;
        loop {
            let status = self.append(py, len, &mut append);
            if !status.contains(Status::FULL) {
                return status;
            }
            match self.wait(py, &mut waited) {
                Waited::Again => {}
                Waited::Over => return Status::OK,
                Waited::Attend => return Status::ATTEND,
            }
        }
    }

    /// Waits, without the GIL, until there may be room for the frame for which there was none a moment ago. `waited` is how long that
    /// frame has waited before, and is added to; when its patience is over the frame is counted as refused.
    #[cold]
    #[inline(never)]
    pub fn wait(&self, py: Python<'_>, waited: &mut Duration) -> Waited {
        let Some(lane) = self.lane.upgrade() else {
            return Waited::Over; // nobody reads it any more
        };
        let patience = Duration::from_millis(self.patience.load(Ordering::Relaxed));
        let len = self.wanted.load(Ordering::Relaxed);
        lane.wait_patiently(len, patience, waited, |wait| py.detach(wait))
    }
}

/// Appends the frame of a record under its tracer's resource and scope; [`Status::FULL`] as in [`Queue::append`].
///
/// # Safety
/// `queue` is live.
#[inline(always)]
pub unsafe fn append(py: Python<'_>, queue: *const Queue, tracer: &Tracer, record: &SpanRecord) -> Status {
    // SAFETY: by the caller's promise; only shared references are made of it.
    let queue = unsafe { &*queue };
    let len = record.frame_len_max();
    queue.append(py, len, |writer| {
        writer.append(&tracer.group, len, |out| record.write_frame(out))
    })
}

/// Appends a whole `Span` message, without tag and length; [`Status::FULL`] likewise.
///
/// # Safety
/// `queue` is live.
pub unsafe fn append_bytes(py: Python<'_>, queue: *const Queue, tracer: &Tracer, frame: &[u8]) -> Status {
    // SAFETY: as above.
    let queue = unsafe { &*queue };
    queue.append(py, frame.len(), |writer| {
        writer.append(&tracer.group, frame.len(), |out| out.raw(frame))
    })
}

/// Waits for room, as [`Queue::wait`]; `waited` in nanoseconds. [`Status::OK`]: append again. [`Status::FULL`]: the frame goes.
///
/// # Safety
/// `queue` is live, and so is what the caller has not appended, also while others have the GIL.
pub unsafe fn wait(py: Python<'_>, queue: *const Queue, waited: u64) -> (Status, u64) {
    // SAFETY: as above.
    let queue = unsafe { &*queue };
    let mut waited = Duration::from_nanos(waited);
    let status = match queue.wait(py, &mut waited) {
        Waited::Again => Status::OK,
        Waited::Over => Status::FULL,
        Waited::Attend => Status::FULL | Status::ATTEND,
    };
    (status, u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX))
}
