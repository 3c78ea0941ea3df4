//! Asks the processor for the memory of the spans that come next.
//!
//! Finished spans were made a while ago, so their parts are mostly out of the near caches, and each is found through a pointer in
//! the one before. This walks that chain one step a span ahead of its use. It only reads what the fast path will read, and
//! only of objects whose class matches; a wrong guess costs nothing but time.

use pyo3::ffi;

use super::layout::Layout;
use super::object::Ref;
use super::sdk_types::SdkTypes;

/// Positions in the span's layout of what is worth fetching.
const ATTRIBUTES: usize = 6;
const LISTS: [usize; 2] = [7, 8];
const CONTEXT: usize = 1;
const TIMES: [usize; 2] = [4, 5];

/// Bytes before an object where 3.11 and 3.12 keep the pointer to its values.
const BEFORE: usize = 32;
/// Where a dict keeps the pointer to its keys and entries: word of the object.
const DICT_KEYS: usize = 4;

#[inline(always)]
fn fetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint: no address makes it fault.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[inline(always)]
fn fetch_object(object: *mut ffi::PyObject) {
    let address = object.cast::<u8>().cast_const();
    fetch(address.wrapping_sub(BEFORE));
    fetch(address.wrapping_add(16));
}

/// The values of `object` if it is an instance of the layout's class.
#[inline(always)]
fn values<const N: usize>(layout: &Layout<N>, object: *mut ffi::PyObject) -> Option<*mut *mut ffi::PyObject> {
    // SAFETY: the caller's object is live, and no Python code runs here.
    layout.inline_values(unsafe { Ref::new(object) })
}

/// Looks ahead of span `at` of `spans`.
///
/// # Safety
/// All `spans` are live objects, the GIL is held and no Python code runs meanwhile.
#[inline(always)]
pub unsafe fn ahead(types: &SdkTypes, spans: &[*mut ffi::PyObject], at: usize) {
    if !types.span.is_inline() {
        return;
    }
    if let Some(&span) = spans.get(at + 6) {
        fetch_object(span);
    }
    if let Some(values) = spans.get(at + 5).and_then(|&span| values(&types.span, span)) {
        fetch(values.cast());
        fetch(values.wrapping_add(8).cast());
    }
    let value = |values: *mut *mut ffi::PyObject, index: usize| {
        // SAFETY: positions are those of the class's keys, for which the array has room; null where deleted.
        let value = unsafe { *values.add(types.span.position(index)) };
        (!value.is_null()).then_some(value)
    };
    if let Some(values) = spans.get(at + 4).and_then(|&span| values(&types.span, span)) {
        for index in [ATTRIBUTES, LISTS[0], LISTS[1], CONTEXT].into_iter().chain(TIMES) {
            if let Some(value) = value(values, index) {
                fetch_object(value);
            }
        }
    }
    if let Some(span) = spans.get(at + 3).and_then(|&span| values(&types.span, span)) {
        if let Some(attributes) = value(span, ATTRIBUTES).and_then(|object| values(&types.attributes, object)) {
            fetch(attributes.cast());
        }
        for index in LISTS {
            if let Some(list) = value(span, index).and_then(|object| values(&types.list, object)) {
                fetch(list.cast());
            }
        }
        // SAFETY: a live object; its items are live.
        if let Some(context) = value(span, CONTEXT).map(|context| unsafe { Ref::new(context) }) {
            for id in [context.tuple_item(0), context.tuple_item(1)].into_iter().flatten() {
                fetch(id.as_ptr().cast());
            }
        }
    }
    if let Some(span) = spans.get(at + 2).and_then(|&span| values(&types.span, span)) {
        if let Some(dict) = value(span, ATTRIBUTES).and_then(|object| first(&types.attributes, object)) {
            fetch(dict.cast());
        }
        for index in LISTS {
            if let Some(deque) = value(span, index).and_then(|object| first(&types.list, object)) {
                fetch(deque.cast());
            }
        }
    }
    if let Some(span) = spans.get(at + 1).and_then(|&span| values(&types.span, span))
        && let Some(dict) = value(span, ATTRIBUTES).and_then(|object| first(&types.attributes, object))
    {
        // SAFETY: a live object of the size of a dict at least: its class was checked.
        unsafe {
            if ffi::PyDict_CheckExact(dict) != 0 {
                let keys = *dict.cast::<*const u8>().add(DICT_KEYS);
                for line in 0..4 {
                    fetch(keys.wrapping_add(line * 64));
                }
            }
        }
    }
}

/// The first of the two values that [`SdkTypes`] reads of attributes and lists.
#[inline(always)]
fn first(layout: &Layout<2>, object: *mut ffi::PyObject) -> Option<*mut ffi::PyObject> {
    let values = values(layout, object)?;
    // SAFETY: as for the span's values.
    let value = unsafe { *values.add(layout.position(0)) };
    (!value.is_null()).then_some(value)
}
