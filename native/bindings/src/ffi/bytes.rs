//! Python bytes objects that are written in place.

use std::ffi::c_int;
use std::ptr::NonNull;

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spanwire_wire::arena::Region;

// SAFETY: declared as in the headers of every `CPython` that we build for.
unsafe extern "C" {
    /// Public since Python 2, but not in `pyo3-ffi`.
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
}

/// Lets `write` fill a region that lies in a new bytes object with room for `capacity` bytes, and answers that object, cut to
/// what was written; unless `write` answers another.
///
/// `write` must not take the region away (only the encoder calls this).
pub fn in_place<'py>(
    py: Python<'py>,
    capacity: usize,
    write: impl FnOnce(&mut Region) -> PyResult<Option<Bound<'py, PyBytes>>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let object = allocate(py, capacity)?;
    // SAFETY: nobody else has the object until it is handed out, and the region is gone by then.
    let mut region = unsafe {
        let content = ffi::PyBytes_AsString(object.as_ptr()).cast::<u8>();
        NonNull::new(content)
            .map(|content| Region::within(content, capacity))
            .unwrap_or_default()
    };
    if let Some(other) = write(&mut region)? {
        return Ok(other);
    }
    if !region.is_lent() {
        return Ok(PyBytes::new(py, region.as_slice()));
    }
    let len = region.len();
    drop(region);
    let mut object = object.into_ptr();
    // SAFETY: the only reference to a bytes object, whose first `len` bytes were written; on failure it is freed and nulled.
    unsafe {
        _PyBytes_Resize(&raw mut object, len.cast_signed());
        Ok(Bound::from_owned_ptr_or_err(py, object)?.cast_into_unchecked())
    }
}

/// A bytes object of `len` bytes, which `write` hands over piece by piece.
pub fn filled(py: Python<'_>, len: usize, write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> PyResult<Bound<'_, PyBytes>> {
    let object = allocate(py, len)?;
    // SAFETY: a new object that nobody else sees until all its bytes are written; each piece is checked against what is left.
    unsafe {
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
    }
    Ok(object)
}

/// A bytes object whose content is not initialised yet.
fn allocate(py: Python<'_>, len: usize) -> PyResult<Bound<'_, PyBytes>> {
    // SAFETY: a new reference to a bytes object, or null with an exception set.
    unsafe {
        let object = ffi::PyBytes_FromStringAndSize(std::ptr::null(), len.cast_signed());
        Ok(Bound::from_owned_ptr_or_err(py, object)?.cast_into_unchecked())
    }
}
