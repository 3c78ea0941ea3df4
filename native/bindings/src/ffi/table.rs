//! The functions of the capsule's table. Each catches panics: unwinding out of `extern "C"` would abort.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;

/// New reference to the encoded bytes, or null with an exception set.
///
/// # Safety
/// The caller holds the GIL and `spans` is a live object.
pub unsafe extern "C" fn encode_spans(spans: *mut ffi::PyObject, w3c_flags: c_int) -> *mut ffi::PyObject {
    // Attached by name, though the caller holds the GIL: otherwise PyO3 would keep every reference that is dropped here until
    // something else attaches.
    Python::attach(|py| {
        // SAFETY: the caller says that `spans` is live.
        let spans = unsafe { Bound::from_borrowed_ptr(py, spans) };
        let result = catch_unwind(AssertUnwindSafe(|| {
            crate::encode::encode_bytes(py, &spans, w3c_flags != 0)
        }));
        match result {
            Ok(Ok(bytes)) => bytes.into_ptr(),
            Ok(Err(error)) => {
                error.restore(py);
                std::ptr::null_mut()
            }
            Err(_) => {
                PyRuntimeError::new_err("spanwire: internal error while encoding spans").restore(py);
                std::ptr::null_mut()
            }
        }
    })
}
