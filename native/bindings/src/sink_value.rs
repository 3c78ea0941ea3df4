//! OTLP values as Python objects.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString, PyTuple};
use spanwire_wire::{DecodeError, KeyValues, Value};

use crate::errors::decode_error;

/// Attributes as a dict in the order of the wire; of a repeated key the last value counts.
pub fn attributes<'py>(py: Python<'py>, entries: KeyValues<'_>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for entry in entries {
        let entry = entry.map_err(decode_error)?;
        dict.set_item(entry.key(), value(py, entry.value())?)?;
    }
    Ok(dict)
}

/// str, bool, int, float, bytes, tuple, dict or None. Recursion is bounded by the readers' depth limit.
pub fn value<'py>(py: Python<'py>, value: Result<Value<'_>, DecodeError>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value.map_err(decode_error)? {
        Value::Empty => py.None().into_bound(py),
        Value::Str(text) => PyString::new(py, text).into_any(),
        Value::Bool(truth) => PyBool::new(py, truth).to_owned().into_any(),
        Value::Int(number) => PyInt::new(py, number).into_any(),
        Value::StringIndex(index) => PyInt::new(py, index).into_any(),
        Value::Double(number) => PyFloat::new(py, number).into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Map(map) => attributes(py, map.iter())?.into_any(),
        Value::Array(array) => {
            let elements = array.iter().map(|element| self::value(py, element));
            PyTuple::new(py, elements.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
    })
}
