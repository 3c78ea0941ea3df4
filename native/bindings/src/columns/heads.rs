//! Heads of groups: what stands before the spans of a resource and of a scope.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spanwire_wire::arena::Region;
use spanwire_wire::tag::{self, len_tag};
use spanwire_wire::write;

use crate::encode;
use crate::errors::decode_error;
use crate::sink_span::{ReceivedSpan, append_spans};

type Heads<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

/// The resource message, its schema URL, the scope message and its schema URL; messages with tag and length. What cannot be
/// encoded is left out, counted and logged, as in `encode_spans`.
#[pyfunction]
pub fn encode_heads<'py>(
    py: Python<'py>,
    resource: &Bound<'py, PyAny>,
    scope: &Bound<'py, PyAny>,
) -> PyResult<Heads<'py>> {
    let (resource, scope) = encode::heads_of(resource, scope)?;
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    Ok((
        bytes(&resource.message),
        bytes(&resource.schema_url),
        bytes(&scope.message),
        bytes(&scope.schema_url),
    ))
}

/// A span without anything that has these heads, to read them.
#[pyfunction]
pub fn decode_heads(
    resource: &[u8],
    resource_schema: &[u8],
    scope: &[u8],
    scope_schema: &[u8],
) -> PyResult<ReceivedSpan> {
    let mut request = Region::new();
    let group = request.open(len_tag(tag::export_request::RESOURCE_SPANS), 2);
    request.raw(resource);
    let scopes = request.open(len_tag(tag::resource_spans::SCOPE_SPANS), 2);
    request.raw(scope);
    request.bytes_field(len_tag(tag::scope_spans::SPANS).into(), b"");
    write::bytes_field(&mut request, len_tag(tag::scope_spans::SCHEMA_URL), scope_schema);
    request.close(scopes);
    write::bytes_field(&mut request, len_tag(tag::resource_spans::SCHEMA_URL), resource_schema);
    request.close(group);
    let request = Bytes::from(request.into_vec());
    spanwire_wire::validate(spanwire_wire::Signal::Traces, &request).map_err(decode_error)?;
    let mut spans = Vec::new();
    append_spans(&request, 1, &mut spans).map_err(decode_error)?;
    spans
        .pop()
        .ok_or_else(|| pyo3::exceptions::PyValueError::new_err("these bytes are no heads of a resource and a scope"))
}
