//! Arrays that Python lends through the buffer protocol.

use pyo3::buffer::{Element, PyBuffer};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use spanwire_columns::Shared;
use spanwire_columns::ffi::Plain;

/// The values of a contiguous buffer. Its owner may change them meanwhile; that is what [`Shared`] is for.
pub fn lent<T: Element + Plain>(buffer: &PyBuffer<T>) -> PyResult<Shared<'_, T>> {
    if !buffer.is_c_contiguous() {
        return Err(PyTypeError::new_err("a contiguous buffer is needed"));
    }
    if buffer.item_count() == 0 {
        return Ok(Shared::from(&[][..]));
    }
    // SAFETY: `PyBuffer` checked type and alignment; so many items in C order are readable as long as the buffer is held.
    Ok(unsafe { Shared::new(buffer.buf_ptr().cast_const().cast(), buffer.item_count()) })
}
