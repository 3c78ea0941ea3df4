//! The table's functions for the SDK's spans; those for ours are in [`super::lifecycle`], [`super::record`] and
//! [`super::readback`].

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;

use super::entry::enter_object;

/// New reference to the encoded bytes, or null with an exception set.
///
/// # Safety
/// The caller holds the GIL and `spans` is a live object.
pub unsafe extern "C" fn encode_spans(spans: *mut ffi::PyObject, w3c_flags: c_int) -> *mut ffi::PyObject {
    // SAFETY: the caller says that the GIL is held and `spans` is live.
    unsafe {
        enter_object("encode_spans", "encoding spans", |py| {
            let spans = Bound::from_borrowed_ptr(py, spans);
            Ok(crate::encode::encode_bytes(py, &spans, w3c_flags != 0)?.into_any())
        })
    }
}
