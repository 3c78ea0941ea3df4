//! The spans of a batch, borrowed from the list or tuple that holds them.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// A list or tuple of spans. A list may be changed by Python code between two looks at it.
pub struct Batch<'py> {
    sequence: Bound<'py, PyAny>,
    is_list: bool,
}

impl<'py> Batch<'py> {
    /// A list or tuple as it stands, any other iterable as a new tuple.
    pub fn new(spans: &Bound<'py, PyAny>) -> PyResult<Self> {
        let is_list = spans.is_exact_instance_of::<PyList>();
        let sequence = if is_list || spans.is_exact_instance_of::<PyTuple>() {
            spans.clone()
        } else {
            PyTuple::new(spans.py(), spans.try_iter()?.collect::<PyResult<Vec<_>>>()?)?.into_any()
        };
        Ok(Self { sequence, is_list })
    }

    pub fn py(&self) -> Python<'py> {
        self.sequence.py()
    }

    /// The span at `at`, if there still is one.
    pub fn get(&self, at: usize) -> Option<Bound<'py, PyAny>> {
        // SAFETY: no Python code runs until a reference of our own was taken.
        unsafe {
            let span = self.now().get(at)?;
            Some(Bound::from_borrowed_ptr(self.py(), *span))
        }
    }

    /// How many spans there are now.
    pub fn len(&self) -> usize {
        // SAFETY: no Python code runs meanwhile.
        unsafe { self.now() }.len()
    }

    /// The spans as they stand now.
    ///
    /// # Safety
    /// No Python code runs while the slice is used.
    #[inline(always)]
    pub(super) unsafe fn now(&self) -> &[*mut ffi::PyObject] {
        let sequence = self.sequence.as_ptr();
        // SAFETY: an exact list or tuple, owned; its items stay where they are as long as no Python code runs.
        unsafe {
            let len = ffi::Py_SIZE(sequence).cast_unsigned();
            let items: *const *mut ffi::PyObject = if self.is_list {
                (*sequence.cast::<ffi::PyListObject>()).ob_item
            } else {
                (&raw const (*sequence.cast::<ffi::PyTupleObject>()).ob_item).cast()
            };
            if len == 0 {
                &[]
            } else {
                std::slice::from_raw_parts(items, len)
            }
        }
    }
}
