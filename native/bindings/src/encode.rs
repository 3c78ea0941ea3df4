//! From the SDK's finished spans to the bytes of a request.

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;

/// Encodes `spans` (a sequence of SDK `ReadableSpan`) at the end of `out` as one `ExportTraceServiceRequest` and answers
/// how many spans went in. What cannot be encoded is dropped, counted and logged; an error is only raised when `spans` is no
/// sequence of spans.
pub fn encode_request(py: Python<'_>, spans: &Bound<'_, PyAny>, w3c_flags: bool, out: &mut Vec<u8>) -> PyResult<usize> {
    let _ = (py, spans, w3c_flags, out);
    Err(PyNotImplementedError::new_err("encoder"))
}
