//! [`Arrays`]: memory of Python's buffers, held for as long as it is read without the GIL.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use spanwire_columns::Shared;
use spanwire_columns::encode::source::{Ints, Spans};
use spanwire_columns::ffi::Plain;

/// Buffers that are held: what was read of them may be used as long as this is borrowed.
#[derive(Default)]
pub struct Arrays(RefCell<Vec<View>>);

/// Columns and the buffers that they lie in.
pub struct Held {
    spans: Spans<'static>,
    group: Option<Ints<'static>>,
    /// Last, so that it is dropped last.
    _views: Vec<View>,
}

impl Held {
    /// Keeps what `read` has made of buffers, and these.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read(read: impl for<'a> FnOnce(&'a Arrays) -> PyResult<(Spans<'a>, Option<Ints<'a>>)>) -> PyResult<Self> {
        let arrays = Arrays::default();
        let (spans, group) = read(&arrays)?;
        // SAFETY: the values lie in memory of the views, which stays where it is when their list is moved and is held as long as this
        // struct, which lends the values for less. Only the lifetime changes.
        let (spans, group) = unsafe {
            (
                std::mem::transmute::<Spans<'_>, Spans<'static>>(spans),
                std::mem::transmute::<Option<Ints<'_>>, Option<Ints<'static>>>(group),
            )
        };
        Ok(Self {
            spans,
            group,
            _views: arrays.0.into_inner(),
        })
    }

    /// The spans, for as long as they are held.
    pub fn spans(&self) -> &Spans<'_> {
        &self.spans
    }

    /// Which group each span is of.
    pub fn group(&self) -> Option<&Ints<'_>> {
        self.group.as_ref()
    }
}

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
    pub fn hold<T: Plain>(&self, object: &Bound<'_, PyAny>, name: &str) -> PyResult<Shared<'_, T>> {
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
        self.0.borrow_mut().push(view);
        // SAFETY: aligned, and the memory is readable as long as the view is held, which no one takes off the list while it is borrowed.
        Ok(unsafe { Shared::new(start, bytes / size_of::<T>()) })
    }
}
