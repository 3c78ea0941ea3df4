//! Python bytes objects of a known length, filled without being zeroed first.

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A bytes object of `len` bytes, which `write` hands over piece by piece.
pub fn filled(py: Python<'_>, len: usize, write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> PyResult<Bound<'_, PyBytes>> {
    // SAFETY: a new object that nobody else sees until all its bytes are written; each piece is checked against what is left.
    unsafe {
        let object = ffi::PyBytes_FromStringAndSize(std::ptr::null(), len.cast_signed());
        let object = Bound::from_owned_ptr_or_err(py, object)?.cast_into_unchecked::<PyBytes>();
        let mut at = ffi::PyBytes_AsString(object.as_ptr()).cast::<u8>();
        let mut left = len;
        let mut overrun = false;
        write(&mut |bytes| {
            if bytes.len() > left {
                overrun = true;
                return;
            }
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
            at = at.add(bytes.len());
            left -= bytes.len();
        });
        if overrun || left != 0 {
            return Err(PyRuntimeError::new_err(
                "spanwire: the request's length was computed wrongly",
            ));
        }
        Ok(object)
    }
}
