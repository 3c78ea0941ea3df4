//! The table's functions that write to a record. Those for one attribute are called for every attribute of every span: what
//! is ASCII goes from Python's memory into the record, everything else through [`with_scratch`].

use std::ffi::c_int;

use pyo3::ffi;
use spanwire_record::{SpanContext, SpanRecord, Status, Value};
use spanwire_wire::tag::{self, len_tag};

use super::clean;
use super::entry::{enter_record, gil};
use super::object::{Kind, Ref, SHORT_UTF8, Text};
use super::state::{Scratch, lossy, now, with_scratch};
use super::text::RawText;
use crate::encode::depth::DEPTH_IN_SPAN;
use crate::encode::drops::{self, Drop};

/// A time of `SPANWIRE_NOW` is read from the clock.
///
/// # Safety
/// The GIL is held.
#[inline(always)]
pub unsafe fn time_or_now(time: u64) -> u64 {
    // SAFETY: by the caller's promise.
    if time == u64::MAX { now(unsafe { gil() }) } else { time }
}

#[cold]
fn refused(reason: Drop) -> Status {
    drops::count(reason);
    Status::UNENCODABLE
}

/// UTF-8 of a key; `Err` is what to answer.
fn utf8_key<'s>(key: Text<'s>, scratch: &'s mut Vec<u8>) -> Result<&'s [u8], Status> {
    key.utf8(scratch).map_err(|_| refused(Drop::Text))
}

/// # Safety
/// The caller holds the GIL and `key` is as `spanwire_api.h` says.
#[inline(always)]
unsafe fn set_scalar<V>(record: &mut SpanRecord, key: RawText, hash: u64, value: V) -> Status
where
    V: Into<Value<'static>> + Copy,
{
    // SAFETY: by the caller's promise.
    unsafe {
        match key.utf8() {
            Some(key) => record.set(key, hash, value),
            None => set_scalar_slowly(record, key, hash, value.into()),
        }
    }
}

/// # Safety
/// As [`set_scalar`].
#[cold]
#[inline(never)]
unsafe fn set_scalar_slowly(record: &mut SpanRecord, key: RawText, hash: u64, value: Value<'static>) -> Status {
    // SAFETY: by the caller's promise.
    let (key, py) = unsafe { (key.get(), gil()) };
    with_scratch(py, |scratch| match utf8_key(key, &mut scratch.key) {
        Ok(key) => record.set(key, hash, value),
        Err(status) => status,
    })
}

/// # Safety
/// As `spanwire_api.h` says of every function: the GIL is held and pointers are live.
pub unsafe extern "C" fn set_str(record: *mut SpanRecord, key: RawText, hash: u64, value: RawText) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_record("set_str", record, |record| match (key.utf8(), value.utf8()) {
            (Some(key), Some(value)) => record.set_str(key, hash, value),
            _ => set_text(record, key, hash, value),
        })
    }
}

/// # Safety
/// As [`set_str`].
#[inline(never)]
unsafe fn set_text(record: &mut SpanRecord, key: RawText, hash: u64, value: RawText) -> Status {
    let mut room = [0; SHORT_UTF8];
    // SAFETY: by the caller's promise.
    let (utf8, key, value, py) = unsafe { (key.utf8(), key.get(), value.get(), gil()) };
    if let (Some(key), Some(value)) = (utf8, value.short_utf8(&mut room)) {
        return record.set_str(key, hash, value);
    }
    with_scratch(py, |scratch| {
        let key = match utf8_key(key, &mut scratch.key) {
            Ok(key) => key,
            Err(status) => return status,
        };
        if let Ok(value) = value.utf8(&mut scratch.text) {
            record.set_str(key, hash, value)
        } else {
            record.remove(key, hash);
            refused(Drop::Text)
        }
    })
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn set_int(record: *mut SpanRecord, key: RawText, hash: u64, value: i64) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe { enter_record("set_int", record, |record| set_scalar(record, key, hash, value)) }
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn set_float(record: *mut SpanRecord, key: RawText, hash: u64, value: f64) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe { enter_record("set_float", record, |record| set_scalar(record, key, hash, value)) }
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn set_bool(record: *mut SpanRecord, key: RawText, hash: u64, value: c_int) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe { enter_record("set_bool", record, |record| set_scalar(record, key, hash, value != 0)) }
}

/// # Safety
/// As [`set_str`]; `value` is a live object, and clean as the header says.
pub unsafe extern "C" fn set_value(
    record: *mut SpanRecord,
    key: RawText,
    hash: u64,
    value: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: by the caller's promise; no Python code runs while the value is read.
    unsafe {
        enter_record("set_value", record, |record| {
            let (key, value) = (key.get(), Ref::new(value));
            with_scratch(gil(), |scratch| set_clean(record, key, hash, value, scratch))
        })
    }
}

fn set_clean(record: &mut SpanRecord, key: Text<'_>, hash: u64, value: Ref<'_>, scratch: &mut Scratch) -> Status {
    let Scratch {
        key: key_room,
        text,
        encoded,
    } = scratch;
    let key = match utf8_key(key, key_room) {
        Ok(key) => key,
        Err(status) => return status,
    };
    let set = match value.kind() {
        Kind::Str => clean::utf8(value, text).map(|value| record.set_str(key, hash, value)),
        Kind::Int => clean::int(value).map(|value| record.set_int(key, hash, value)),
        Kind::Float => Ok(record.set_double(key, hash, value.float())),
        Kind::Bool => clean::truth(value).map(|value| record.set_bool(key, hash, value)),
        Kind::Bytes => Ok(record.set_bytes(key, hash, value.bytes())),
        Kind::None => Ok(record.set_encoded(key, hash, &[])),
        Kind::Tuple | Kind::List | Kind::Dict => clean::container(encoded, value, DEPTH_IN_SPAN, text)
            .map(|()| record.set_encoded(key, hash, encoded.as_slice())),
        Kind::Other => Err(Drop::Type),
    };
    set.unwrap_or_else(|reason| {
        record.remove(key, hash);
        refused(reason)
    })
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn remove(record: *mut SpanRecord, key: RawText, hash: u64) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_record("remove", record, |record| {
            let (key, py) = (key.get(), gil());
            with_scratch(py, |scratch| match utf8_key(key, &mut scratch.key) {
                Ok(key) => {
                    record.remove(key, hash);
                    Status::OK
                }
                Err(status) => status,
            })
        })
    }
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn drop_attributes(record: *mut SpanRecord, count: u32) {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_record("drop_attributes", record, |record| {
            record.drop_attributes(count);
            Status::OK
        });
    }
}

/// # Safety
/// As [`set_str`]; `attributes` is null or a live dict, and clean as the header says.
pub unsafe extern "C" fn add_event(
    record: *mut SpanRecord,
    name: RawText,
    time: u64,
    attributes: *mut ffi::PyObject,
    dropped: u32,
) -> c_int {
    const TAG: u8 = len_tag(tag::event::ATTRIBUTES);
    // SAFETY: by the caller's promise; no Python code runs while the dict is read.
    unsafe {
        enter_record("add_event", record, |record| {
            let time = time_or_now(time);
            if let (Some(name), true) = (name.utf8(), attributes.is_null()) {
                return record.add_event(name, time, &[], dropped);
            }
            with_scratch(gil(), |scratch| {
                let said = encode_attributes(TAG, attributes, scratch);
                let (name, also_said) = lossy(name.get(), &mut scratch.text);
                record.add_event(name, time, scratch.encoded.as_slice(), dropped) | said | also_said
            })
        })
    }
}

/// # Safety
/// As [`add_event`]; `context` is live.
pub unsafe extern "C" fn add_link(
    record: *mut SpanRecord,
    context: *const SpanContext,
    trace_state: RawText,
    attributes: *mut ffi::PyObject,
    dropped: u32,
) -> c_int {
    const TAG: u8 = len_tag(tag::link::ATTRIBUTES);
    // SAFETY: by the caller's promise; no Python code runs while the dict is read.
    unsafe {
        enter_record("add_link", record, |record| {
            let (context, trace_state) = (&*context, trace_state.get());
            with_scratch(gil(), |scratch| {
                let said = encode_attributes(TAG, attributes, scratch);
                let (trace_state, also_said) = lossy(trace_state, &mut scratch.text);
                record.add_link(context, trace_state, scratch.encoded.as_slice(), dropped) | said | also_said
            })
        })
    }
}

/// Encodes a dict (or nothing) into `scratch.encoded`.
///
/// # Safety
/// `attributes` is null or live, and no Python code runs meanwhile.
unsafe fn encode_attributes(tag: u8, attributes: *mut ffi::PyObject, scratch: &mut Scratch) -> Status {
    if attributes.is_null() {
        return Status::OK;
    }
    // SAFETY: by the caller's promise.
    let attributes = unsafe { Ref::new(attributes) };
    clean::attributes(tag, attributes, scratch)
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn set_name(record: *mut SpanRecord, name: RawText) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_record("set_name", record, |record| {
            with_text(name, |name| record.set_name(name))
        })
    }
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn set_status(record: *mut SpanRecord, code: c_int, message: RawText) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_record("set_status", record, |record| {
            let code = u8::try_from(code).unwrap_or(0);
            with_text(message, |message| record.set_status(code, message))
        })
    }
}

/// # Safety
/// As [`set_str`].
pub unsafe extern "C" fn set_trace_state(record: *mut SpanRecord, header: RawText) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe {
        enter_record("set_trace_state", record, |record| {
            with_text(header, |header| record.set_trace_state(header))
        })
    }
}

/// Calls `set` with the UTF-8 of a name or message, lone surrogates replaced.
///
/// # Safety
/// The caller holds the GIL and `text` is as `spanwire_api.h` says.
unsafe fn with_text(text: RawText, set: impl FnOnce(&[u8]) -> Status) -> Status {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(text) = text.utf8() {
            return set(text);
        }
        with_scratch(gil(), |scratch| {
            let (text, said) = lossy(text.get(), &mut scratch.text);
            set(text) | said
        })
    }
}
