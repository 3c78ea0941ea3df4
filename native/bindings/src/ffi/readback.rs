//! The table's functions that read a record back.
//!
//! Making Python objects may collect garbage, which runs anybody's finalizers, and those may write to this very record. So its
//! frame is copied first, and everything is read from the copy.

use std::ffi::c_char;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use spanwire_record::{SpanContext, SpanRecord};
use spanwire_wire::SpanView;
use spanwire_wire::arena::Region;
use spanwire_wire::tag::flags::CONTEXT_IS_REMOTE;

use super::entry::{enter, enter_object};
use crate::errors::decode_error;
use crate::sink_value::attributes as dict;

const DOING: &str = "reading a span back";

/// `SpanwireInfo` of `spanwire_api.h`.
#[derive(Debug)]
#[repr(C)]
pub struct Info {
    pub start: u64,
    pub end: u64,
    pub name: *const c_char,
    pub name_length: usize,
    pub status_message: *const c_char,
    pub status_message_length: usize,
    pub attributes: u32,
    pub dropped_attributes: u32,
    pub events: u32,
    pub dropped_events: u32,
    pub links: u32,
    pub dropped_links: u32,
    pub kind: u8,
    pub status_code: u8,
    pub ended: u8,
    pub has_parent: u8,
    pub parent: SpanContext,
}

/// # Safety
/// The GIL is held and both pointers are live.
pub unsafe extern "C" fn info(record: *const SpanRecord, out: *mut Info) {
    // SAFETY: by the caller's promise; all zeros are an empty `Info`, which is what is found after a panic.
    unsafe { out.write_bytes(0, 1) };
    // SAFETY: by the caller's promise.
    enter("info", || unsafe {
        let record = &*record;
        out.write(Info {
            start: record.start_time(),
            end: record.end_time(),
            name: record.name().as_ptr().cast(),
            name_length: record.name().len(),
            status_message: record.status_message().as_ptr().cast(),
            status_message_length: record.status_message().len(),
            attributes: record.attribute_count(),
            dropped_attributes: record.dropped_attributes(),
            events: record.event_count(),
            dropped_events: record.dropped_events(),
            links: record.link_count(),
            dropped_links: record.dropped_links(),
            kind: record.kind(),
            status_code: record.status_code(),
            ended: record.is_ended().into(),
            has_parent: record.parent().is_some().into(),
            parent: record.parent().copied().unwrap_or_default(),
        });
    });
}

/// # Safety
/// The GIL is held and `record` is live.
pub unsafe extern "C" fn attributes(record: *const SpanRecord) -> *mut ffi::PyObject {
    // SAFETY: by the caller's promise; the record is not looked at once Python objects are made.
    unsafe {
        enter_object("attributes", DOING, |py| {
            let frame = copy(&*record);
            attributes_of(py, frame.as_slice())
        })
    }
}

/// # Safety
/// As [`attributes`].
pub unsafe extern "C" fn events(record: *const SpanRecord) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe {
        enter_object("events", DOING, |py| {
            let frame = copy(&*record);
            events_of(py, frame.as_slice())
        })
    }
}

/// # Safety
/// As [`attributes`].
pub unsafe extern "C" fn links(record: *const SpanRecord) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe {
        enter_object("links", DOING, |py| {
            let frame = copy(&*record);
            links_of(py, frame.as_slice())
        })
    }
}

/// The attributes of a `Span` message.
pub fn attributes_of<'py>(py: Python<'py>, frame: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let span = SpanView::new(frame).map_err(decode_error)?;
    Ok(dict(py, span.attributes())?.into_any())
}

/// Its events, as `spanwire_api.h` says.
pub fn events_of<'py>(py: Python<'py>, frame: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for event in SpanView::new(frame).map_err(decode_error)?.events() {
        let event = event.map_err(decode_error)?;
        list.append((
            event.name(),
            event.time().get(),
            dict(py, event.attributes())?,
            event.dropped_attributes_count(),
        ))?;
    }
    Ok(list.into_any())
}

/// Its links, likewise.
pub fn links_of<'py>(py: Python<'py>, frame: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for link in SpanView::new(frame).map_err(decode_error)?.links() {
        let link = link.map_err(decode_error)?;
        list.append((
            u128::from_be_bytes(link.trace_id().to_bytes()),
            u64::from_be_bytes(link.span_id().to_bytes()),
            link.flags() & 0xFF,
            link.flags() & CONTEXT_IS_REMOTE != 0,
            Some(link.trace_state()).filter(|state| !state.is_empty()),
            dict(py, link.attributes())?,
            link.dropped_attributes_count(),
        ))?;
    }
    Ok(list.into_any())
}

/// # Safety
/// As [`attributes`].
pub unsafe extern "C" fn frame(record: *const SpanRecord) -> *mut ffi::PyObject {
    // SAFETY: as above.
    unsafe {
        enter_object("frame", DOING, |py| {
            Ok(PyBytes::new(py, copy(&*record).as_slice()).into_any())
        })
    }
}

/// The record's frame as it would be sent now.
fn copy(record: &SpanRecord) -> Region {
    let mut frame = Region::with_capacity(record.frame_len_max());
    record.write_frame(&mut frame);
    frame
}
