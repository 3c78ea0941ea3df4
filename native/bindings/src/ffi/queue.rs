//! Hands finished frames over to the queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pyo3::Python;
use spanwire_queue::{Appended, Attached, Group, Lane, Writer};
use spanwire_record::{SpanRecord, Status};

use super::gil::GilCell;
use crate::encode::{self, Head};
use crate::tracer::Tracer;

/// `SpanwireQueue` of `spanwire_api.h`: what a `_native.FrameQueue` owns.
pub struct Queue {
    pub writer: GilCell<Writer>,
    /// Its reading end, for what is read in Python.
    pub lane: Weak<Lane>,
    /// The groups of spans that were pushed.
    pub groups: GilCell<Groups>,
    /// Milliseconds that a span waits for room at most, if the lane is one that blocks.
    pub patience: AtomicU64,
}

impl Queue {
    /// Appends a frame of at most `len` bytes by `append`, which may be called several times; where the lane blocks it waits for room,
    /// without the GIL.
    #[inline(always)]
    pub fn append(&self, py: Python<'_>, len: usize, mut append: impl FnMut(&mut Writer) -> Appended) -> Status {
        match self.writer.with(py, &mut append) {
            Appended::Done => Status::OK,
            Appended::Attend => Status::ATTEND,
            Appended::Full => self.wait(py, len, &mut append),
        }
    }

    #[cold]
    #[inline(never)]
    fn wait(&self, py: Python<'_>, len: usize, append: &mut dyn FnMut(&mut Writer) -> Appended) -> Status {
        let Some(lane) = self.lane.upgrade() else {
            return Status::OK; // nobody reads it any more
        };
        // There will be no room before somebody reads, who could not begin until now: this frame goes for it.
        if lane.wants_reader() {
            lane.refuse();
            return Status::ATTEND;
        }
        let deadline = Instant::now() + Duration::from_millis(self.patience.load(Ordering::Relaxed));
        loop {
            let generation = lane.generation();
            let in_time = py.detach(|| lane.wait_room(len, generation, deadline));
            // Another thread may have been quicker.
            match self.writer.with(py, &mut *append) {
                Appended::Done => return Status::OK,
                Appended::Attend => return Status::ATTEND,
                Appended::Full if in_time && Instant::now() < deadline => {}
                Appended::Full => {
                    lane.refuse();
                    return Status::OK;
                }
            }
        }
    }
}

/// Groups by the encoded resource and scope that they were made of, which it keeps, so that their addresses stay theirs.
#[derive(Default)]
pub struct Groups(HashMap<(usize, usize), Made>);

struct Made {
    _resource: Arc<[u8]>,
    _scope: Arc<[u8]>,
    group: Arc<Group>,
}

impl Groups {
    /// With more, all are forgotten: the queue finds out by itself that groups are equal, only slower.
    const MOST: usize = 256;

    /// The group of such a span.
    pub fn find(&mut self, resource: &Head, scope: &Head) -> Arc<Group> {
        let key = (resource.message.as_ptr().addr(), scope.message.as_ptr().addr());
        if self.0.len() >= Self::MOST && !self.0.contains_key(&key) {
            self.0.clear();
        }
        let made = self.0.entry(key).or_insert_with(|| Made {
            _resource: Arc::clone(&resource.message),
            _scope: Arc::clone(&scope.message),
            group: encode::group(resource, scope, Attached::default()),
        });
        Arc::clone(&made.group)
    }
}

/// Appends the frame of a record under its tracer's resource and scope.
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

/// Appends a whole `Span` message, without tag and length.
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
