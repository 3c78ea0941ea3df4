//! The table's functions that begin and end a record.
//!
//! A record is a `Box` that its Span owns as a raw pointer. Its `owner` is the address of the [`Tracer`] that began it, or 0
//! after a defect: then it is neither sent nor used again.

use std::ffi::c_int;
use std::ptr;

use spanwire_record::{Decision, SpanContext, SpanRecord, Status};

use super::entry::{disable, enter, enter_record, gil, on_demand};
use super::queue::{self, Queue};
use super::record::time_or_now;
use super::state::{give_record, lossy, take_record, with_ids, with_scratch};
use super::text::RawText;
use crate::tracer::Tracer;

/// W3C: the trace id is random.
const RANDOM: u8 = 2;

/// # Safety
/// The GIL is held, `tracer` and `out` are live, `parent` is live or null, and `name` and `spare` are as the header says.
pub unsafe extern "C" fn begin(
    tracer: *const Tracer,
    parent: *const SpanContext,
    out: *mut SpanContext,
    name: RawText,
    kind: c_int,
    start: u64,
    spare: *mut SpanRecord,
) -> *mut SpanRecord {
    // SAFETY: by the caller's promise.
    let begun = enter("begin", || unsafe {
        let (tracer, parent) = (&*tracer, parent.as_ref());
        let ids = new_ids_of(tracer, parent);
        let decision = tracer.sampler.decide(parent, &ids.trace_id);
        let sampled = decision == Decision::RecordAndSample;
        let ids = SpanContext {
            flags: ids.flags | if sampled { SpanContext::SAMPLED } else { 0 },
            ..ids
        };
        out.write(ids);
        if decision == Decision::Drop {
            return ptr::null_mut();
        }
        new_record(tracer, parent, &ids, name, kind, start, spare)
    });
    // SAFETY: by the caller's promise.
    begun.unwrap_or_else(|| unsafe {
        out.write(SpanContext::default());
        not_begun(spare)
    })
}

/// After a panic: `spare`, which may be half begun, stays the caller's, and will not be used as it is.
///
/// # Safety
/// As [`begin`].
#[cold]
unsafe fn not_begun(spare: *mut SpanRecord) -> *mut SpanRecord {
    // SAFETY: by the caller's promise; the reference that was made of it is gone.
    if let Some(spare) = unsafe { spare.as_mut() } {
        disable(spare);
    }
    ptr::null_mut()
}

/// Ids of a new span, and its random flag.
///
/// # Safety
/// The GIL is held.
#[inline(always)]
unsafe fn new_ids_of(tracer: &Tracer, parent: Option<&SpanContext>) -> SpanContext {
    // SAFETY: by the caller's promise.
    with_ids(unsafe { gil() }, |random| {
        let (trace_id, span_id, flags) = if let Some(parent) = parent {
            // An SDK that knows no random flag does not hand it on either.
            let flags = if tracer.random { parent.flags & RANDOM } else { 0 };
            (parent.trace_id, random.span(), flags)
        } else {
            let (trace_id, span_id) = random.root();
            (trace_id, span_id, if tracer.random { RANDOM } else { 0 })
        };
        SpanContext {
            trace_id,
            span_id,
            flags,
            ..SpanContext::default()
        }
    })
}

/// # Safety
/// As [`begin`]; `ids` is live.
pub unsafe extern "C" fn begin_as(
    tracer: *const Tracer,
    parent: *const SpanContext,
    ids: *const SpanContext,
    name: RawText,
    kind: c_int,
    start: u64,
    spare: *mut SpanRecord,
) -> *mut SpanRecord {
    // SAFETY: by the caller's promise.
    let begun = enter("begin_as", || unsafe {
        new_record(&*tracer, parent.as_ref(), &*ids, name, kind, start, spare)
    });
    // SAFETY: by the caller's promise.
    begun.unwrap_or_else(|| unsafe { not_begun(spare) })
}

/// # Safety
/// As [`begin`].
#[inline(always)]
unsafe fn new_record(
    tracer: &Tracer,
    parent: Option<&SpanContext>,
    ids: &SpanContext,
    name: RawText,
    kind: c_int,
    start: u64,
    spare: *mut SpanRecord,
) -> *mut SpanRecord {
    // SAFETY: by the caller's promise.
    let (utf8, py) = unsafe { (name.utf8(), gil()) };
    // A record of the pool is in its box until it is answered, a spare one the caller's: so a panic leaves each one owner.
    let mut pooled = None;
    // SAFETY: by the caller's promise.
    let record = match unsafe { spare.as_mut() } {
        Some(spare) => {
            if spare.owner == 0 {
                *spare = SpanRecord::new();
            }
            spare
        }
        None => &mut **pooled.insert(take_record(py)),
    };
    on_demand::perhaps("new_record");
    record.owner = ptr::from_ref(tracer).expose_provenance();
    let kind = u8::try_from(kind).unwrap_or(0);
    // SAFETY: by the caller's promise.
    let start = unsafe { time_or_now(start) };
    if let Some(name) = utf8 {
        record.begin(tracer.limits, parent, ids, name, kind, start);
    } else {
        // That it was lossy is counted; the caller is not told.
        with_scratch(py, |scratch| {
            // SAFETY: by the caller's promise.
            let (name, _) = lossy(unsafe { name.get() }, &mut scratch.text);
            record.begin(tracer.limits, parent, ids, name, kind, start);
        });
    }
    pooled.map_or(spare, Box::into_raw)
}

/// # Safety
/// The GIL is held and `out` is live.
pub unsafe extern "C" fn new_ids(out: *mut SpanContext, root: c_int) {
    // SAFETY: by the caller's promise.
    enter("new_ids", || unsafe {
        with_ids(gil(), |random| {
            if root == 0 {
                (*out).span_id = random.span();
            } else {
                ((*out).trace_id, (*out).span_id) = random.root();
            }
        });
    });
}

/// # Safety
/// The GIL is held, `record` is live, and so is `queue` unless it is null.
pub unsafe extern "C" fn end(record: *mut SpanRecord, end: u64, queue: *const Queue) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_record("end", record, |record| {
            let first = record.end(time_or_now(end));
            let mut status = Status::OK;
            if first && !queue.is_null() && record.is_sampled() {
                status = append(record, queue);
            }
            if record.owner == 0 || record.is_large() {
                status |= Status::SPENT;
            }
            status
        })
    }
}

/// # Safety
/// As [`end`], and `queue` is not null.
pub unsafe extern "C" fn submit(record: *mut SpanRecord, queue: *const Queue) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe { enter_record("submit", record, |record| append(record, queue)) }
}

/// # Safety
/// The GIL is held and `queue` is live.
#[inline(always)]
unsafe fn append(record: &SpanRecord, queue: *const Queue) -> Status {
    // SAFETY: a tracer outlives its records, and the GIL is held, by the caller's promise.
    match unsafe { (ptr::with_exposed_provenance::<Tracer>(record.owner).as_ref(), gil()) } {
        // SAFETY: by the caller's promise.
        (Some(tracer), py) => unsafe { queue::append(py, queue, tracer, record) },
        (None, _) => Status::PANIC,
    }
}

/// # Safety
/// The GIL is held, `tracer` and `queue` are live, and `frame` points at `length` bytes.
pub unsafe extern "C" fn submit_bytes(
    tracer: *const Tracer,
    frame: *const u8,
    length: usize,
    queue: *const Queue,
) -> c_int {
    // SAFETY: by the caller's promise.
    let said = enter("submit_bytes", || unsafe {
        queue::append_bytes(gil(), queue, &*tracer, std::slice::from_raw_parts(frame, length))
    });
    said.unwrap_or(Status::PANIC).bits().cast_signed()
}

/// # Safety
/// The GIL is held and given back meanwhile: `queue` stays live all the time. So does `waited`, which nobody else uses.
pub unsafe extern "C" fn wait_room(queue: *const Queue, waited: *mut u64) -> c_int {
    let said = enter("wait_room", || {
        // SAFETY: by the caller's promise; no record is borrowed here, nor `waited` during the wait.
        unsafe {
            let (status, so_far) = queue::wait(gil(), queue, *waited);
            *waited = so_far;
            status
        }
    });
    said.unwrap_or(Status::PANIC | Status::FULL).bits().cast_signed()
}

/// # Safety
/// The GIL is held, and `record` is live and not used again.
pub unsafe extern "C" fn release(record: *mut SpanRecord) {
    // SAFETY: by the caller's promise; it came out of a box. Owned before anything can panic, which frees it then.
    let record = unsafe { Box::from_raw(record) };
    enter("release", move || {
        if record.owner != 0 {
            // SAFETY: by the caller's promise.
            give_record(unsafe { gil() }, record);
        }
    });
}
