//! Hands finished frames over to the queue.

use std::sync::{Arc, Weak};

use pyo3::Python;
use spanwire_queue::{Appended, Group, Lane, Writer};
use spanwire_record::{SpanRecord, Status};

use super::gil::GilCell;
use crate::tracer::Tracer;

/// `SpanwireQueue` of `spanwire_api.h`: what a `_native.FrameQueue` owns.
pub struct Queue {
    pub writer: GilCell<Writer>,
    /// Its reading end, for what is read in Python.
    pub lane: Weak<Lane>,
    /// The group of the span that was pushed last.
    pub last: GilCell<Option<LastGroup>>,
}

/// A group and what it was made of.
pub struct LastGroup {
    pub resource: Arc<[u8]>,
    pub scope: Arc<[u8]>,
    pub group: Arc<Group>,
}

/// Appends the frame of a record under its tracer's resource and scope.
///
/// # Safety
/// `queue` is live.
#[inline(always)]
pub unsafe fn append(py: Python<'_>, queue: *const Queue, tracer: &Tracer, record: &SpanRecord) -> Status {
    // SAFETY: by the caller's promise; only shared references are made of it.
    let queue = unsafe { &*queue };
    status(queue.writer.with(py, |writer| {
        writer.append(&tracer.group, record.frame_len_max(), |out| record.write_frame(out))
    }))
}

/// Appends a whole `Span` message, without tag and length.
///
/// # Safety
/// `queue` is live.
pub unsafe fn append_bytes(py: Python<'_>, queue: *const Queue, tracer: &Tracer, frame: &[u8]) -> Status {
    // SAFETY: as above.
    let queue = unsafe { &*queue };
    status(queue.writer.with(py, |writer| {
        writer.append(&tracer.group, frame.len(), |out| out.raw(frame))
    }))
}

#[inline(always)]
pub fn status(appended: Appended) -> Status {
    match appended {
        Appended::Done => Status::OK,
        Appended::Attend => Status::ATTEND,
    }
}
