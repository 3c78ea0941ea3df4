//! Where `CPython` 3.11 to 3.13 keep an instance's values while its dict was not made: an array in shared-key order.
//!
//! This is an implementation detail of each minor version, so [`super::layout::Layout::prove`] relies on it only where every
//! value of a sentinel instance was found in its place, and reads by `tp_traverse` otherwise (and always on other versions).
//! An attribute that was deleted leaves a null in its place, so values never shift.

use pyo3::ffi;

/// Whether this interpreter is one whose arrangement is known.
pub const KNOWN: bool = cfg!(all(Py_3_11, not(Py_3_14), not(Py_GIL_DISABLED)));

/// The array of values of `object`, or null while they are elsewhere.
///
/// # Safety
/// [`KNOWN`], and `object` is a live instance of a class for which [`has_values`] holds.
#[inline(always)]
pub unsafe fn values(object: *mut ffi::PyObject) -> *mut *mut ffi::PyObject {
    // SAFETY: such instances have, in 3.13, the values behind the object's fixed part, three bytes and a valid flag first; in
    // 3.12 three words before the object a pointer less one, whose low bit is set while it is no dict; in 3.11 four words before
    // the object a pointer that is null once the dict was made.
    unsafe {
        if cfg!(Py_3_13) {
            let values = object
                .cast::<u8>()
                .add((*ffi::Py_TYPE(object)).tp_basicsize.cast_unsigned());
            if *values.add(3) == 1 {
                values.add(8).cast()
            } else {
                std::ptr::null_mut()
            }
        } else if cfg!(Py_3_12) {
            let tagged = *object.cast::<*mut u8>().sub(3);
            if tagged as usize & 1 == 1 {
                tagged.add(1).cast()
            } else {
                std::ptr::null_mut()
            }
        } else {
            *object.cast::<*mut *mut ffi::PyObject>().sub(4)
        }
    }
}

/// How many values are set in the array `values` of `object`.
///
/// # Safety
/// `values` is what [`values`] answered for `object`, and not null.
#[inline(always)]
pub unsafe fn len(object: *mut ffi::PyObject, values: *mut *mut ffi::PyObject) -> usize {
    // SAFETY: the second of the four bytes in front of 3.13's values, which are a word before them; the second byte before
    // the values of 3.11 and 3.12.
    let len = unsafe {
        if cfg!(Py_3_13) {
            *object
                .cast::<u8>()
                .add((*ffi::Py_TYPE(object)).tp_basicsize.cast_unsigned() + 1)
        } else {
            *values.cast::<u8>().sub(2)
        }
    };
    len.into()
}

/// Whether instances of `class` have an array of values at all.
///
/// # Safety
/// `class` is a live type.
pub unsafe fn has_values(class: *mut ffi::PyTypeObject) -> bool {
    // 3.13 has a flag for values inside the object; before, they come with a dict that the interpreter manages.
    let flag = if cfg!(Py_3_13) { 1 << 2 } else { 1 << 4 };
    // SAFETY: by the caller's promise; flags are a plain field.
    unsafe { (*class).tp_flags & flag != 0 }
}
