//! The table of functions that the Cython façade calls, and its version.
//!
//! The other half is `python/spanwire/_facade/spanwire_api.h`, which says what each does: a new function goes to the end of
//! both, a changed one also raises [`ABI`] in both.

use std::ffi::c_int;
use std::ptr::NonNull;

use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use spanwire_record::{SpanContext, SpanRecord};

use crate::ffi::frames::{self, Rest};
use crate::ffi::queue::Queue;
use crate::ffi::readback::{self, Info};
use crate::ffi::text::RawText;
use crate::ffi::{lifecycle, record, table};
use crate::tracer::Tracer;

/// Raised when a function of the table changes.
const ABI: u32 = 3;

type Begin = unsafe extern "C" fn(
    *const Tracer,
    *const SpanContext,
    *mut SpanContext,
    RawText,
    c_int,
    u64,
    *mut SpanRecord,
) -> *mut SpanRecord;
type BeginAs = unsafe extern "C" fn(
    *const Tracer,
    *const SpanContext,
    *const SpanContext,
    RawText,
    c_int,
    u64,
    *mut SpanRecord,
) -> *mut SpanRecord;
type Set<T> = unsafe extern "C" fn(*mut SpanRecord, RawText, u64, T) -> c_int;
type AddLink = unsafe extern "C" fn(*mut SpanRecord, *const SpanContext, RawText, *mut PyObject, u32) -> c_int;
type Read = unsafe extern "C" fn(*const SpanRecord) -> *mut PyObject;
type ReadFrame = unsafe extern "C" fn(*const u8, usize) -> *mut PyObject;

/// Functions for the façade; laid out as `SpanwireApi` in `spanwire_api.h`.
#[repr(C)]
struct Api {
    abi: u32,
    size: u32,
    encode_spans: unsafe extern "C" fn(*mut PyObject, c_int) -> *mut PyObject,
    begin: Begin,
    begin_as: BeginAs,
    new_ids: unsafe extern "C" fn(*mut SpanContext, c_int),
    set_str: Set<RawText>,
    set_int: Set<i64>,
    set_float: Set<f64>,
    set_bool: Set<c_int>,
    set_value: Set<*mut PyObject>,
    remove: unsafe extern "C" fn(*mut SpanRecord, RawText, u64) -> c_int,
    drop_attributes: unsafe extern "C" fn(*mut SpanRecord, u32),
    add_event: unsafe extern "C" fn(*mut SpanRecord, RawText, u64, *mut PyObject, u32) -> c_int,
    add_link: AddLink,
    set_name: unsafe extern "C" fn(*mut SpanRecord, RawText) -> c_int,
    set_status: unsafe extern "C" fn(*mut SpanRecord, c_int, RawText) -> c_int,
    set_trace_state: unsafe extern "C" fn(*mut SpanRecord, RawText) -> c_int,
    end: unsafe extern "C" fn(*mut SpanRecord, u64, *const Queue) -> c_int,
    submit: unsafe extern "C" fn(*mut SpanRecord, *const Queue) -> c_int,
    submit_bytes: unsafe extern "C" fn(*const Tracer, *const u8, usize, *const Queue) -> c_int,
    release: unsafe extern "C" fn(*mut SpanRecord),
    info: unsafe extern "C" fn(*const SpanRecord, *mut Info),
    attributes: Read,
    events: Read,
    links: Read,
    frame: Read,
    keep: unsafe extern "C" fn(*mut SpanRecord, *const Queue, u8, RawText) -> c_int,
    keep_object: unsafe extern "C" fn(*const Queue, *mut PyObject) -> c_int,
    kept_frame: unsafe extern "C" fn(*const SpanRecord, u8, RawText) -> *mut PyObject,
    take_frames: unsafe extern "C" fn(*const Queue, usize) -> *mut PyObject,
    frame_info: unsafe extern "C" fn(*const u8, usize, *mut Info, *mut Rest) -> c_int,
    frame_attributes: ReadFrame,
    frame_events: ReadFrame,
    frame_links: ReadFrame,
    wait_room: unsafe extern "C" fn(*const Queue, *mut u64) -> c_int,
}

#[allow(clippy::cast_possible_truncation)] // a table of a few pointers
static API: Api = Api {
    abi: ABI,
    size: size_of::<Api>() as u32,
    encode_spans: table::encode_spans,
    begin: lifecycle::begin,
    begin_as: lifecycle::begin_as,
    new_ids: lifecycle::new_ids,
    set_str: record::set_str,
    set_int: record::set_int,
    set_float: record::set_float,
    set_bool: record::set_bool,
    set_value: record::set_value,
    remove: record::remove,
    drop_attributes: record::drop_attributes,
    add_event: record::add_event,
    add_link: record::add_link,
    set_name: record::set_name,
    set_status: record::set_status,
    set_trace_state: record::set_trace_state,
    end: lifecycle::end,
    submit: lifecycle::submit,
    submit_bytes: lifecycle::submit_bytes,
    release: lifecycle::release,
    info: readback::info,
    attributes: readback::attributes,
    events: readback::events,
    links: readback::links,
    frame: readback::frame,
    keep: frames::keep,
    keep_object: frames::keep_object,
    kept_frame: frames::kept_frame,
    take_frames: frames::take_frames,
    frame_info: frames::frame_info,
    frame_attributes: frames::frame_attributes,
    frame_events: frames::frame_events,
    frame_links: frames::frame_links,
    wait_room: lifecycle::wait_room,
};

/// The capsule `spanwire._native._C_API`.
pub fn capsule(py: Python<'_>) -> PyResult<Bound<'_, PyCapsule>> {
    let table = NonNull::from(&API).cast();
    // SAFETY: the table is a static of immutable plain data and function pointers, valid for the life of the process.
    unsafe { PyCapsule::new_with_pointer(py, table, c"spanwire._native._C_API") }
}
