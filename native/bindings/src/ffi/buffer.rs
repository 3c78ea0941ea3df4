//! [`NativeBuffer`]: memory of the core's that Python reads through the buffer protocol.

use std::any::Any;
use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use spanwire_columns::ffi::Plain;
use spanwire_engine::process::buffer::Buffer;

/// Read-only memory; views of it keep it alive.
#[pyclass(frozen, module = "spanwire._native")]
pub struct NativeBuffer {
    start: *const u8,
    len: usize,
    /// Whose memory it is.
    _owner: Box<dyn Any + Send + Sync>,
}

// SAFETY: nobody writes to the memory, and its owner may be sent and shared.
unsafe impl Send for NativeBuffer {}
// SAFETY: as above.
unsafe impl Sync for NativeBuffer {}

impl<T: Plain> From<Vec<T>> for NativeBuffer {
    /// Takes over the vector; bytes are in the machine's order.
    fn from(memory: Vec<T>) -> Self {
        Self {
            start: memory.as_ptr().cast(),
            len: size_of_val(memory.as_slice()),
            _owner: Box::new(memory), // moving a vector does not move its memory
        }
    }
}

impl From<Buffer> for NativeBuffer {
    /// Takes over the buffer, which goes back to its pool.
    fn from(memory: Buffer) -> Self {
        Self {
            start: memory.as_ptr(),
            len: memory.len(),
            _owner: Box::new(memory),
        }
    }
}

#[pymethods]
impl NativeBuffer {
    /// Bytes.
    fn __len__(&self) -> usize {
        self.len
    }

    /// # Safety
    /// `view` is what the interpreter gives to a `bf_getbuffer`.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let this = slf.get();
        let len = ffi::Py_ssize_t::try_from(this.len)?;
        // SAFETY: `view` is valid by the caller's promise. The memory lives as long as the object, to which the view takes a
        // reference; it is marked read-only.
        let filled = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), this.start.cast_mut().cast(), len, 1, flags) };
        if filled == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}
