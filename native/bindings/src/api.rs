//! The table of functions that the Cython façade calls, and its version.
//!
//! The other half is `python/spanwire/_facade/spanwire_api.h`: a new function goes to the end of both, a changed one
//! also raises [`ABI`] in both.

use std::ffi::c_int;
use std::ptr::NonNull;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// Raised when a function of the table changes.
const ABI: u32 = 1;

/// Functions for the façade; laid out as `SpanwireApi` in `spanwire_api.h`.
#[repr(C)]
struct Api {
    abi: u32,
    size: u32,
    encode_spans: unsafe extern "C" fn(*mut ffi::PyObject, c_int) -> *mut ffi::PyObject,
}

#[allow(clippy::cast_possible_truncation)] // a table of a few pointers
static API: Api = Api {
    abi: ABI,
    size: size_of::<Api>() as u32,
    encode_spans: crate::ffi::table::encode_spans,
};

/// The capsule `spanwire._native._C_API`.
pub fn capsule(py: Python<'_>) -> PyResult<Bound<'_, PyCapsule>> {
    let table = NonNull::from(&API).cast();
    // SAFETY: the table is a static of immutable plain data and function pointers, valid for the life of the process.
    unsafe { PyCapsule::new_with_pointer(py, table, c"spanwire._native._C_API") }
}
