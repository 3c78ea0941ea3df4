//! Requests that the sink received.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use spanwire_receiver::Protocol;
use spanwire_wire::Signal;

use crate::errors::decode_error;
use crate::sink_item::{ReceivedItem, append_items};
use crate::sink_span::{ReceivedSpan, append_spans};

/// One request that the sink acknowledged.
#[pyclass(module = "spanwire.sink", frozen)]
pub struct ReceivedRequest(pub(crate) Arc<spanwire_sink::ReceivedRequest>);

#[pymethods]
impl ReceivedRequest {
    /// The headers, names in lower case; a header that came several times is joined by ", ".
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        for name in self.0.received.headers.keys() {
            let values = self.0.received.headers.get_all(name).iter();
            let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            headers.set_item(name.as_str(), values.join(", "))?;
        }
        Ok(headers)
    }

    /// The Content-Type header.
    #[getter]
    fn content_type(&self) -> String {
        self.header("content-type").unwrap_or_default()
    }

    /// The Content-Encoding header, or grpc-encoding of a compressed message; "identity" without one.
    #[getter]
    fn content_encoding(&self) -> String {
        let encoding = match self.0.received.protocol {
            Protocol::Grpc => self.header("grpc-encoding").filter(|_| self.0.received.is_encoded),
            _ => self.header("content-encoding"),
        };
        encoding.unwrap_or_else(|| "identity".into())
    }

    /// How it came, as `OTEL_EXPORTER_OTLP_PROTOCOL` names it: "grpc", "http/protobuf" or "http/json".
    #[getter]
    fn protocol(&self) -> &'static str {
        self.0.received.protocol.name()
    }

    /// The body as protobuf bytes of the signal's export request: decompressed, and converted if JSON came.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.received.body)
    }

    /// Bytes of the body on the wire, before decompression; of gRPC with the five in front of the message.
    #[getter]
    fn wire_size(&self) -> usize {
        self.0.received.wire_size
    }

    /// When the body was complete: nanoseconds since the Unix epoch.
    #[getter]
    fn received_at(&self) -> u64 {
        self.0.received.received_at
    }

    /// What it carries: "traces", "logs", "metrics" or "profiles".
    #[getter]
    fn signal(&self) -> &'static str {
        self.0.received.signal.names().signal
    }

    /// Spans, log records, data points or profiles acknowledged: all of the body's but the rejected.
    #[getter]
    fn count(&self) -> u64 {
        self.0.accepted()
    }

    /// Spans acknowledged: all of the body's but the rejected.
    #[getter]
    fn span_count(&self) -> u64 {
        match self.0.received.signal {
            Signal::Traces => self.0.accepted(),
            _ => 0,
        }
    }

    /// Items answered as rejected (the last ones of the body), by an injected partial success.
    #[getter]
    fn rejected_count(&self) -> u64 {
        self.0.rejected
    }

    /// The acknowledged spans, read when they are asked.
    fn spans(&self) -> PyResult<Vec<ReceivedSpan>> {
        let mut spans = Vec::new();
        self.append_spans(&mut spans)?;
        Ok(spans)
    }

    /// The acknowledged items of a request that carries no spans, read when they are asked.
    fn items(&self) -> PyResult<Vec<ReceivedItem>> {
        let mut items = Vec::new();
        self.append_items(self.0.received.signal, &mut items)?;
        Ok(items)
    }

    fn __repr__(&self) -> String {
        let names = self.0.received.signal.names();
        format!(
            "<ReceivedRequest: {} {}, {} bytes ({} on the wire), {}>",
            self.count(),
            names.points,
            self.0.received.body.len(),
            self.0.received.wire_size,
            self.content_type(),
        )
    }
}

impl ReceivedRequest {
    /// Appends the acknowledged spans.
    pub fn append_spans(&self, spans: &mut Vec<ReceivedSpan>) -> PyResult<()> {
        if self.0.received.signal != Signal::Traces {
            return Ok(());
        }
        append_spans(&self.0.received.body, self.span_count(), spans).map_err(decode_error)
    }

    /// Appends the acknowledged items if the request carries `signal`.
    pub fn append_items(&self, signal: Signal, items: &mut Vec<ReceivedItem>) -> PyResult<()> {
        if self.0.received.signal != signal {
            return Ok(());
        }
        append_items(signal, &self.0.received.body, self.count(), items).map_err(decode_error)
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.0.received.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}
