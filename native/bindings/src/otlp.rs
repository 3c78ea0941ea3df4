//! OTLP for Python: requests of any signal validated and converted between protobuf and JSON; and the schema they go by.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spanwire_wire::Signal;
use spanwire_wire::schema::{Kind, Label, Type};

use crate::errors::decode_error;

/// Adds the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(otlp_schema, module)?)?;
    module.add_function(wrap_pyfunction!(request_from_json, module)?)?;
    module.add_function(wrap_pyfunction!(request_to_json, module)?)?;
    module.add_function(wrap_pyfunction!(traces_from_json, module)?)?;
    module.add_function(wrap_pyfunction!(traces_to_json, module)?)?;
    module.add_function(wrap_pyfunction!(validate_request, module)?)
}

/// The signal that is called so.
pub fn signal(name: &str) -> PyResult<Signal> {
    Signal::from_name(name).ok_or_else(|| {
        PyValueError::new_err(format!(
            "unknown signal {name:?}: expected traces, logs, metrics or profiles"
        ))
    })
}

/// How many resources, scopes, items and data points a serialized export request holds.
#[pyfunction]
fn validate_request(py: Python<'_>, signal: &str, body: &[u8]) -> PyResult<(usize, usize, usize, usize)> {
    let signal = self::signal(signal)?;
    let counts = py
        .detach(|| spanwire_wire::validate(signal, body))
        .map_err(decode_error)?;
    Ok((counts.resources, counts.scopes, counts.items, counts.points))
}

/// A serialized export request as OTLP/JSON, one line without its end.
#[pyfunction]
fn request_to_json<'py>(py: Python<'py>, signal: &str, body: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let signal = self::signal(signal)?;
    let converted = py.detach(|| {
        let mut json = Vec::new();
        spanwire_json::from_wire(signal, body, &mut json).map(|()| json)
    });
    Ok(PyBytes::new(py, &converted.map_err(decode_error)?))
}

/// OTLP/JSON as a serialized export request.
#[pyfunction]
fn request_from_json<'py>(py: Python<'py>, signal: &str, json: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let signal = self::signal(signal)?;
    let converted = py.detach(|| {
        let mut body = Vec::new();
        spanwire_json::to_wire(signal, json, &mut body).map(|()| body)
    });
    let body = converted.map_err(|error| PyValueError::new_err(format!("malformed OTLP/JSON: {error}")))?;
    Ok(PyBytes::new(py, &body))
}

/// [`request_to_json`] of traces.
#[pyfunction]
fn traces_to_json<'py>(py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    request_to_json(py, Signal::Traces.names().signal, body)
}

/// [`request_from_json`] of traces.
#[pyfunction]
fn traces_from_json<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    request_from_json(py, Signal::Traces.names().signal, json)
}

/// A field: number, name, name in JSON, type, label.
type FieldRow = (u32, String, &'static str, String, &'static str);

/// Every message that the core knows, with its fields, for a comparison with opentelemetry-proto.
#[pyfunction]
fn otlp_schema() -> Vec<(&'static str, Vec<FieldRow>)> {
    Type::ALL
        .iter()
        .map(|of| {
            let fields = of.fields().iter();
            let rows = fields.map(|field| {
                let name = field.name.to_ascii_lowercase();
                (field.number, name, field.json, kind(field.kind), label(field.label))
            });
            (of.name(), rows.collect())
        })
        .collect()
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Bool => "bool",
        Kind::Bytes => "bytes",
        Kind::Double => "double",
        Kind::Enum => "enum",
        Kind::Fixed32 => "fixed32",
        Kind::Fixed64 => "fixed64",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Message(of) => of.name(),
        Kind::Sfixed64 => "sfixed64",
        Kind::Sint32 => "sint32",
        Kind::SpanId => "span_id",
        Kind::TraceId => "trace_id",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Utf8 => "string",
    }
    .to_owned()
}

const fn label(label: Label) -> &'static str {
    match label {
        Label::One => "one",
        Label::Optional => "optional",
        Label::OneOf => "oneof",
        Label::Many => "many",
    }
}
