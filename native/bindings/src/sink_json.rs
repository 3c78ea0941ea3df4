//! OTLP/JSON for Python: conversions both ways.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::sink_span::decode_error;

/// Adds the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(traces_to_json, module)?)?;
    module.add_function(wrap_pyfunction!(traces_from_json, module)?)
}

/// A serialized `ExportTraceServiceRequest` as OTLP/JSON, one line without its end.
#[pyfunction]
fn traces_to_json<'py>(py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let converted = py.detach(|| {
        let mut json = Vec::new();
        spanwire_json::traces_from_wire(body, &mut json).map(|()| json)
    });
    Ok(PyBytes::new(py, &converted.map_err(decode_error)?))
}

/// OTLP/JSON as a serialized `ExportTraceServiceRequest`.
#[pyfunction]
fn traces_from_json<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let converted = py.detach(|| {
        let mut body = Vec::new();
        spanwire_json::traces_to_wire(json, &mut body).map(|()| body)
    });
    let body = converted.map_err(|error| PyValueError::new_err(format!("malformed OTLP/JSON: {error}")))?;
    Ok(PyBytes::new(py, &body))
}
