//! The table's functions for frames that Python reads: appending them, taking them out one by one, and decoding them.
//!
//! Such a frame may end with one more field, [`BESIDE`], of what OTLP has no place for. Frames that are sent never have it.

use std::ffi::{c_char, c_int};
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use spanwire_queue::{Entry, OBJECT_BYTES};
use spanwire_record::{SpanContext, SpanRecord, Status};
use spanwire_wire::SpanView;
use spanwire_wire::arena::Region;
use spanwire_wire::read::Message;
use spanwire_wire::tag::WireType;
use spanwire_wire::tag::flags::CONTEXT_IS_REMOTE;

use super::entry::{enter, enter_object, enter_record, gil};
use super::kept::{self, Kept};
use super::queue::Queue;
use super::readback::{Info, attributes_of, events_of, links_of};
use super::text::RawText;
use crate::tracer::Tracer;

const DOING: &str = "reading a span back";

/// Number of the field: the last that two bytes can say, far from OTLP's. Its content: [`bits`], the parent's trace flags, and
/// the parent's trace state if a bit says so.
const BESIDE: u16 = 2047;
const BESIDE_TAG: u16 = BESIDE << 3 | 2;
/// Most bytes of it beside the trace state: tag, length and two bytes.
const BESIDE_LEN: usize = 2 + 5 + 2;

mod bits {
    // Also in `spanwire_api.h`.
    /// The status has an empty message and not none.
    pub const EMPTY_MESSAGE: u8 = 1;
    /// The parent's trace state follows: it is not the span's own.
    pub const PARENT_STATE: u8 = 2;
}

/// `SpanwireRest` of `spanwire_api.h`.
#[derive(Debug)]
#[repr(C)]
pub struct Rest {
    ids: SpanContext,
    trace_state: *const c_char,
    trace_state_length: usize,
    parent_state: *const c_char,
    parent_state_length: usize,
    has_empty_message: u8,
}

/// The field as it is said.
struct Beside<'a> {
    bits: u8,
    parent_flags: u8,
    parent_state: &'a [u8],
}

impl<'a> Beside<'a> {
    /// # Safety
    /// `parent_state` is as `spanwire_api.h` says.
    unsafe fn new(record: &SpanRecord, bits: u8, parent_state: RawText) -> Self {
        // SAFETY: by the caller's promise.
        let parent_state = unsafe { parent_state.utf8() };
        Self {
            bits,
            parent_flags: record.parent().map_or(0, |parent| parent.flags),
            parent_state: parent_state.unwrap_or_default(),
        }
    }

    /// The frame and, unless there is nothing to say, the field.
    fn write(&self, record: &SpanRecord, out: &mut Region) {
        record.write_frame(out);
        if self.bits | self.parent_flags != 0 {
            let field = out.open_short(BESIDE_TAG);
            out.raw(&[self.bits, self.parent_flags]);
            out.raw(self.parent_state);
            out.close(field);
        }
    }

    fn len_max(&self, record: &SpanRecord) -> usize {
        record.frame_len_max() + BESIDE_LEN + self.parent_state.len()
    }

    /// What a frame says. It was made here, so it is no other field of that number.
    fn read(frame: &'a [u8]) -> Self {
        let fields = Message::new(frame).fields().filter_map(Result::ok);
        let mut fields =
            fields.filter(|field| field.number() == u32::from(BESIDE) && field.wire_type() == WireType::Len);
        match fields.next().map(|field| field.message().bytes()) {
            Some(&[bits, parent_flags, ref parent_state @ ..]) => Self {
                bits,
                parent_flags,
                parent_state,
            },
            _ => Self {
                bits: 0,
                parent_flags: 0,
                parent_state: &[],
            },
        }
    }
}

/// # Safety
/// The GIL is held, `record` and `queue` are live, and `parent_state` is as the header says.
pub unsafe extern "C" fn keep(record: *mut SpanRecord, queue: *const Queue, bits: u8, parent_state: RawText) -> c_int {
    // SAFETY: by the caller's promise; a tracer outlives its records.
    unsafe {
        enter_record("keep", record, |record| {
            let Some(tracer) = ptr::with_exposed_provenance::<Tracer>(record.owner).as_ref() else {
                return Status::PANIC;
            };
            let beside = Beside::new(record, bits, parent_state);
            let len = beside.len_max(record);
            (*queue).append(gil(), len, |writer| {
                writer.append(&tracer.group, len, |out| beside.write(record, out))
            })
        })
    }
}

/// # Safety
/// The GIL is held, and `queue` and `span` are live.
pub unsafe extern "C" fn keep_object(queue: *const Queue, span: *mut ffi::PyObject) -> c_int {
    let status = enter("keep_object", || {
        // SAFETY: by the caller's promise.
        let (py, queue) = unsafe { (gil(), &*queue) };
        // SAFETY: by the caller's promise.
        let span = unsafe { Bound::from_borrowed_ptr(py, span) }.unbind();
        let span = Kept::attached(span);
        // The queue's own reference is the last one, if it takes it: dropping either runs no Python code.
        queue.append_patiently(py, OBJECT_BYTES, |writer| writer.append_object(&span))
    });
    status.unwrap_or(Status::PANIC).bits().cast_signed()
}

/// # Safety
/// The GIL is held, `record` is live, and `parent_state` is as the header says.
pub unsafe extern "C" fn kept_frame(record: *const SpanRecord, bits: u8, parent_state: RawText) -> *mut ffi::PyObject {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_object("kept_frame", DOING, |py| {
            let beside = Beside::new(&*record, bits, parent_state);
            let mut frame = Region::with_capacity(beside.len_max(&*record));
            beside.write(&*record, &mut frame);
            Ok(PyBytes::new(py, frame.as_slice()).into_any())
        })
    }
}

/// # Safety
/// The GIL is held and `queue` is live.
pub unsafe extern "C" fn take_frames(queue: *const Queue, max_spans: usize) -> *mut ffi::PyObject {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_object("take_frames", "taking finished spans out of a queue", |py| {
            let mut taken = Vec::new();
            let lane = (*queue).lane.upgrade();
            if let Some(batch) = lane.and_then(|lane| lane.take(max_spans, usize::MAX)) {
                for entry in batch.entries() {
                    let (attached, frame) = match entry {
                        Entry::Frame(group, frame) => (&group.attached, Some(PyBytes::new(py, frame))),
                        Entry::Object(span) => (span, None),
                    };
                    if let Some(kept) = attached.get::<Kept>() {
                        taken.push((kept.object(py), frame));
                    }
                }
            }
            let list = PyList::empty(py);
            for (object, frame) in taken {
                list.append(object)?;
                list.append(frame)?;
            }
            kept::release(py);
            Ok(list.into_any())
        })
    }
}

/// # Safety
/// The GIL is held, `frame` points at `length` bytes, and `info` and `rest` are live.
pub unsafe extern "C" fn frame_info(frame: *const u8, length: usize, info: *mut Info, rest: *mut Rest) -> c_int {
    // SAFETY: by the caller's promise; all zeros are an empty `Info` and `Rest`.
    unsafe {
        info.write_bytes(0, 1);
        rest.write_bytes(0, 1);
    }
    let read = enter("frame_info", || {
        // SAFETY: by the caller's promise.
        let frame = unsafe { std::slice::from_raw_parts(frame, length) };
        let span = SpanView::new(frame).ok()?;
        let found = read(&span, &Beside::read(frame));
        // SAFETY: by the caller's promise.
        unsafe {
            info.write(found.0);
            rest.write(found.1);
        }
        Some(())
    });
    if read.flatten().is_some() {
        Status::OK
    } else {
        Status::PANIC
    }
    .bits()
    .cast_signed()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // written by a record, whose counts, kinds and flags are as narrow
fn read(span: &SpanView<'_>, beside: &Beside<'_>) -> (Info, Rest) {
    let trace_id = span.trace_id().to_bytes();
    let context = |span_id, flags, is_remote| SpanContext {
        trace_id,
        span_id,
        flags,
        is_remote,
        unused: [0; 6],
    };
    let parent = span.parent_span_id().map(|id| {
        let is_remote = span.flags() & CONTEXT_IS_REMOTE != 0;
        context(id.to_bytes(), beside.parent_flags, is_remote.into())
    });
    let state = span.trace_state().as_bytes();
    let parent_state = if beside.bits & bits::PARENT_STATE == 0 {
        state
    } else {
        beside.parent_state
    };
    let message = span.status().message();
    let info = Info {
        start: span.start_time().get(),
        end: span.end_time().get(),
        name: span.name().as_ptr().cast(),
        name_length: span.name().len(),
        status_message: message.as_ptr().cast(),
        status_message_length: message.len(),
        attributes: span.attributes().count() as u32,
        dropped_attributes: span.dropped_attributes_count(),
        events: span.events().count() as u32,
        dropped_events: span.dropped_events_count(),
        links: span.links().count() as u32,
        dropped_links: span.dropped_links_count(),
        kind: i32::from(span.kind()) as u8,
        status_code: i32::from(span.status().code()) as u8,
        ended: 1,
        has_parent: parent.is_some().into(),
        parent: parent.unwrap_or_default(),
    };
    let rest = Rest {
        ids: context(span.span_id().to_bytes(), span.flags() as u8, 0),
        trace_state: state.as_ptr().cast(),
        trace_state_length: state.len(),
        parent_state: parent_state.as_ptr().cast(),
        parent_state_length: parent_state.len(),
        has_empty_message: beside.bits & bits::EMPTY_MESSAGE,
    };
    (info, rest)
}

/// # Safety
/// The GIL is held and `frame` points at `length` bytes that nobody changes.
pub unsafe extern "C" fn frame_attributes(frame: *const u8, length: usize) -> *mut ffi::PyObject {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_object("frame_attributes", DOING, |py| {
            attributes_of(py, std::slice::from_raw_parts(frame, length))
        })
    }
}

/// # Safety
/// As [`frame_attributes`].
pub unsafe extern "C" fn frame_events(frame: *const u8, length: usize) -> *mut ffi::PyObject {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_object("frame_events", DOING, |py| {
            events_of(py, std::slice::from_raw_parts(frame, length))
        })
    }
}

/// # Safety
/// As [`frame_attributes`].
pub unsafe extern "C" fn frame_links(frame: *const u8, length: usize) -> *mut ffi::PyObject {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_object("frame_links", DOING, |py| {
            links_of(py, std::slice::from_raw_parts(frame, length))
        })
    }
}
