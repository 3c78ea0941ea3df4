//! Received spans: each owns a piece of its request and reads it when it is asked.

use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict};
use spanwire_wire::request::{Resource, Scope};
use spanwire_wire::{DecodeError, EventView, LinkView, ResourceSpans, ScopeSpans, SpanView, StatusView, TraceRequest};

use crate::errors::decode_error;
use crate::sink_value::attributes;

/// Adds the classes and `decode_spans` to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ReceivedSpan>()?;
    module.add_class::<ReceivedEvent>()?;
    module.add_class::<ReceivedLink>()?;
    module.add_class::<ReceivedStatus>()?;
    module.add_function(wrap_pyfunction!(decode_spans, module)?)
}

/// The spans of a serialized `ExportTraceServiceRequest`.
#[pyfunction]
fn decode_spans(body: &[u8]) -> PyResult<Vec<ReceivedSpan>> {
    let body = Bytes::copy_from_slice(body);
    spanwire_wire::validate(spanwire_wire::Signal::Traces, &body).map_err(decode_error)?;
    let mut spans = Vec::new();
    append_spans(&body, u64::MAX, &mut spans).map_err(decode_error)?;
    Ok(spans)
}

/// Appends the first `count` spans of a request.
pub fn append_spans(body: &Bytes, count: u64, spans: &mut Vec<ReceivedSpan>) -> Result<(), DecodeError> {
    let mut left = count;
    for resource in TraceRequest::new(body).resources() {
        let resource = resource?;
        let of_resource = body.slice_ref(resource.bytes());
        for scope in resource.scopes() {
            let scope = scope?;
            let group = Arc::new(Group {
                resource: of_resource.clone(),
                scope: body.slice_ref(scope.bytes()),
            });
            for span in scope.items() {
                if left == 0 {
                    return Ok(());
                }
                left -= 1;
                spans.push(ReceivedSpan {
                    message: body.slice_ref(span?.bytes()),
                    group: Arc::clone(&group),
                });
            }
        }
    }
    Ok(())
}

/// The messages round a span: `ResourceSpans` and `ScopeSpans`.
struct Group {
    resource: Bytes,
    scope: Bytes,
}

/// A span as it was received. Every attribute is decoded when it is read; ids are lower-case hex as backends show them,
/// times are nanoseconds since the Unix epoch.
#[pyclass(module = "spanwire.sink", frozen)]
pub struct ReceivedSpan {
    message: Bytes,
    group: Arc<Group>,
}

#[pymethods]
impl ReceivedSpan {
    /// The name.
    #[getter]
    fn name(&self) -> PyResult<&str> {
        Ok(self.view()?.name())
    }

    /// 32 hex digits.
    #[getter]
    fn trace_id(&self) -> PyResult<String> {
        Ok(self.view()?.trace_id().to_string())
    }

    /// 16 hex digits.
    #[getter]
    fn span_id(&self) -> PyResult<String> {
        Ok(self.view()?.span_id().to_string())
    }

    /// 16 hex digits; None for a root.
    #[getter]
    fn parent_span_id(&self) -> PyResult<Option<String>> {
        Ok(self.view()?.parent_span_id().map(|id| id.to_string()))
    }

    /// The W3C trace state as in its header; empty if there is none.
    #[getter]
    fn trace_state(&self) -> PyResult<&str> {
        Ok(self.view()?.trace_state())
    }

    /// W3C trace flags in the low byte; 0x100: it is known whether the parent is remote; 0x200: it is.
    #[getter]
    fn flags(&self) -> PyResult<u32> {
        Ok(self.view()?.flags())
    }

    /// A member of `opentelemetry.trace.SpanKind`; OTLP's number where there is none (0 is unspecified).
    #[getter]
    fn kind(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        static ENUM: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let number = i32::from(self.view()?.kind());
        if !(1..=5).contains(&number) {
            return Ok(number.into_pyobject(py)?.into_any().unbind());
        }
        // The API counts from 0.
        ENUM.import(py, "opentelemetry.trace", "SpanKind")?
            .call1((number - 1,))
            .map(Bound::unbind)
    }

    /// When it started.
    #[getter]
    fn start_time(&self) -> PyResult<u64> {
        Ok(self.view()?.start_time().get())
    }

    /// When it ended.
    #[getter]
    fn end_time(&self) -> PyResult<u64> {
        Ok(self.view()?.end_time().get())
    }

    /// A dict in the order of the wire: str, bool, int, float, bytes, tuple, dict or None.
    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        attributes(py, self.view()?.attributes())
    }

    /// Attributes that the sender dropped.
    #[getter]
    fn dropped_attributes_count(&self) -> PyResult<u32> {
        Ok(self.view()?.dropped_attributes_count())
    }

    /// The events in order.
    #[getter]
    fn events(&self, py: Python<'_>) -> PyResult<Vec<ReceivedEvent>> {
        let events = self.view()?.events();
        events
            .map(|event| ReceivedEvent::new(py, &event.map_err(decode_error)?))
            .collect()
    }

    /// Events that the sender dropped.
    #[getter]
    fn dropped_events_count(&self) -> PyResult<u32> {
        Ok(self.view()?.dropped_events_count())
    }

    /// The links in order.
    #[getter]
    fn links(&self, py: Python<'_>) -> PyResult<Vec<ReceivedLink>> {
        let links = self.view()?.links();
        links
            .map(|link| ReceivedLink::new(py, &link.map_err(decode_error)?))
            .collect()
    }

    /// Links that the sender dropped.
    #[getter]
    fn dropped_links_count(&self) -> PyResult<u32> {
        Ok(self.view()?.dropped_links_count())
    }

    /// The outcome.
    #[getter]
    fn status(&self) -> PyResult<ReceivedStatus> {
        Ok(ReceivedStatus::from(self.view()?.status()))
    }

    /// The attributes of the resource that sent it.
    #[getter]
    fn resource_attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.resource()?
            .map_or_else(|| Ok(PyDict::new(py)), |it| attributes(py, it.attributes()))
    }

    /// Attributes of the resource that the sender dropped.
    #[getter]
    fn resource_dropped_attributes_count(&self) -> PyResult<u32> {
        Ok(self.resource()?.map_or(0, |it| it.dropped_attributes_count()))
    }

    /// The schema of the resource's attributes; empty if there is none.
    #[getter]
    fn resource_schema_url(&self) -> PyResult<&str> {
        Ok(ResourceSpans::new(&self.group.resource)
            .map_err(decode_error)?
            .schema_url())
    }

    /// The name of the instrumentation scope that made it.
    #[getter]
    fn scope_name(&self) -> PyResult<&str> {
        Ok(self.scope()?.map_or("", |it| it.name()))
    }

    /// The version of the scope; empty if there is none.
    #[getter]
    fn scope_version(&self) -> PyResult<&str> {
        Ok(self.scope()?.map_or("", |it| it.version()))
    }

    /// The attributes of the scope.
    #[getter]
    fn scope_attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.scope()?
            .map_or_else(|| Ok(PyDict::new(py)), |it| attributes(py, it.attributes()))
    }

    /// Attributes of the scope that the sender dropped.
    #[getter]
    fn scope_dropped_attributes_count(&self) -> PyResult<u32> {
        Ok(self.scope()?.map_or(0, |it| it.dropped_attributes_count()))
    }

    /// The schema of the scope's spans; empty if there is none.
    #[getter]
    fn scope_schema_url(&self) -> PyResult<&str> {
        Ok(ScopeSpans::new(&self.group.scope).map_err(decode_error)?.schema_url())
    }

    /// The span as it was on the wire: a serialized `Span` message.
    #[getter]
    fn serialized<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.message)
    }

    fn __repr__(&self) -> PyResult<String> {
        let view = self.view()?;
        Ok(format!(
            "<ReceivedSpan {:?}, trace {}, span {}>",
            view.name(),
            view.trace_id(),
            view.span_id()
        ))
    }
}

impl ReceivedSpan {
    fn view(&self) -> PyResult<SpanView<'_>> {
        SpanView::new(&self.message).map_err(decode_error)
    }

    fn resource(&self) -> PyResult<Option<Resource<'_>>> {
        Ok(ResourceSpans::new(&self.group.resource)
            .map_err(decode_error)?
            .resource())
    }

    fn scope(&self) -> PyResult<Option<Scope<'_>>> {
        Ok(ScopeSpans::new(&self.group.scope).map_err(decode_error)?.scope())
    }
}

/// An event of a received span.
#[pyclass(module = "spanwire.sink", frozen, get_all)]
pub struct ReceivedEvent {
    /// The name.
    name: String,
    /// Nanoseconds since the Unix epoch.
    timestamp: u64,
    /// Attributes as a dict.
    attributes: Py<PyDict>,
    /// Attributes that the sender dropped.
    dropped_attributes_count: u32,
}

#[pymethods]
impl ReceivedEvent {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "<ReceivedEvent {:?} {}>",
            self.name,
            self.attributes.bind(py).repr()?
        ))
    }
}

impl ReceivedEvent {
    fn new(py: Python<'_>, view: &EventView<'_>) -> PyResult<Self> {
        Ok(Self {
            name: view.name().to_owned(),
            timestamp: view.time().get(),
            attributes: attributes(py, view.attributes())?.unbind(),
            dropped_attributes_count: view.dropped_attributes_count(),
        })
    }
}

/// A link of a received span.
#[pyclass(module = "spanwire.sink", frozen, get_all)]
pub struct ReceivedLink {
    /// 32 hex digits.
    trace_id: String,
    /// 16 hex digits.
    span_id: String,
    /// The W3C trace state as in its header; empty if there is none.
    trace_state: String,
    /// Attributes as a dict.
    attributes: Py<PyDict>,
    /// Attributes that the sender dropped.
    dropped_attributes_count: u32,
    /// As `ReceivedSpan.flags`.
    flags: u32,
}

#[pymethods]
impl ReceivedLink {
    fn __repr__(&self) -> String {
        format!("<ReceivedLink to trace {}, span {}>", self.trace_id, self.span_id)
    }
}

impl ReceivedLink {
    fn new(py: Python<'_>, view: &LinkView<'_>) -> PyResult<Self> {
        Ok(Self {
            trace_id: view.trace_id().to_string(),
            span_id: view.span_id().to_string(),
            trace_state: view.trace_state().to_owned(),
            attributes: attributes(py, view.attributes())?.unbind(),
            dropped_attributes_count: view.dropped_attributes_count(),
            flags: view.flags(),
        })
    }
}

/// The outcome of a received span.
#[pyclass(module = "spanwire.sink", frozen)]
pub struct ReceivedStatus {
    code: i32,
    /// What the failure was; empty if nothing was said.
    #[pyo3(get)]
    message: String,
}

#[pymethods]
impl ReceivedStatus {
    /// A member of `opentelemetry.trace.StatusCode`; OTLP's number where there is none.
    #[getter]
    fn code(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        static ENUM: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if !(0..=2).contains(&self.code) {
            return Ok(self.code.into_pyobject(py)?.into_any().unbind());
        }
        let members = ENUM.import(py, "opentelemetry.trace", "StatusCode")?;
        members.call1((self.code,)).map(Bound::unbind)
    }

    fn __repr__(&self) -> String {
        format!("<ReceivedStatus {} {:?}>", self.code, self.message)
    }
}

impl From<StatusView<'_>> for ReceivedStatus {
    fn from(view: StatusView<'_>) -> Self {
        Self {
            code: view.code().into(),
            message: view.message().to_owned(),
        }
    }
}
