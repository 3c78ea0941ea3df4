//! [`Arrays`]: memory of Python's buffers, held for as long as it is read without the GIL.

use std::mem::MaybeUninit;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use spanwire_columns::Shared;
use spanwire_columns::ffi::Plain;

/// Buffers that are held: what was read of them may be used as long as this lives.
#[derive(Default)]
pub struct Arrays(Vec<View>);

/// A buffer as the interpreter gave it; in memory of its own, since some exporters remember where it is.
struct View(Box<ffi::Py_buffer>);

// SAFETY: of the view only the address of its memory is used, which any thread may read; releasing it takes the GIL.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: it was filled by the interpreter, and is released once, with the GIL.
        Python::attach(|_| unsafe { ffi::PyBuffer_Release(&raw mut *self.0) });
    }
}

impl Arrays {
    /// Holds the contiguous memory of `object`, whatever it says that it holds, which is seen as values of a type.
    ///
    /// The lifetime is not what it says: the values may be used only as long as this object lives. The one caller,
    /// `columns::source`, keeps both in one private struct, lends the values for no longer than that lives, and drops this last.
    pub fn hold<T: Plain>(&mut self, object: &Bound<'_, PyAny>, name: &str) -> PyResult<Shared<'static, T>> {
        let mut view = Box::new(MaybeUninit::<ffi::Py_buffer>::uninit());
        // SAFETY: an object and room for its view; asked for contiguous bytes, without shape or format.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), view.as_mut_ptr(), ffi::PyBUF_SIMPLE) } != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        // SAFETY: the interpreter filled it.
        let view = View(unsafe { view.assume_init() });
        let (start, bytes) = (view.0.buf.cast::<T>().cast_const(), usize::try_from(view.0.len)?);
        if bytes == 0 {
            return Ok(Shared::from(&[][..]));
        }
        if bytes % size_of::<T>() != 0 || !start.is_aligned() {
            let size = size_of::<T>();
            return Err(PyTypeError::new_err(format!(
                "{name}: {bytes} bytes are no aligned values of {size} bytes each"
            )));
        }
        self.0.push(view);
        // SAFETY: aligned, and the memory is readable as long as the view is held, which is as long as this object lives; that
        // nobody uses the values longer is the caller's part, as said above.
        Ok(unsafe { Shared::new(start, bytes / size_of::<T>()) })
    }
}
