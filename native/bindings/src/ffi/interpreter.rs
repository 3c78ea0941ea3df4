//! Which interpreter of the process this is.

use pyo3::Python;
use pyo3::ffi;

/// Whether this is the process's first interpreter, not a subinterpreter as `mod_wsgi` makes them.
pub fn is_main(_py: Python<'_>) -> bool {
    // SAFETY: the token proves that this thread is attached to an interpreter; both functions only read a pointer.
    unsafe { ffi::PyInterpreterState_Get() == ffi::PyInterpreterState_Main() }
}
