//! Values of any type, one by one.

use pyo3::prelude::*;
use pyo3::types::PyList;
use spanwire_wire::Value;

use crate::encode;
use crate::ffi::buffer::NativeBuffer;
use crate::sink_value;

/// Each value as an `AnyValue` message: n + 1 offsets (int64), and the bytes.
#[pyfunction]
pub fn encode_any_values(values: &Bound<'_, PyList>, name: &str) -> PyResult<(NativeBuffer, NativeBuffer)> {
    let (offsets, data) = encode::any_values(values, name)?;
    Ok((offsets.into(), data.into()))
}

/// An `AnyValue` message as a Python object.
#[pyfunction]
pub fn decode_any_value<'py>(py: Python<'py>, message: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    sink_value::value(py, Value::new(message))
}
