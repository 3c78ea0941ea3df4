"""``OTLPSpanExporter`` over HTTP in JSON."""

from spanwire.exporter._common.protocols import HTTP_JSON
from spanwire.exporter.http import trace_exporter as protobuf

__all__ = ["OTLPSpanExporter"]


class OTLPSpanExporter(protobuf.OTLPSpanExporter):
    """Exports spans over OTLP/HTTP in JSON.

    Keywords, OTEL_EXPORTER_OTLP[_TRACES]_* and everything else are as of ``spanwire.exporter.http.OTLPSpanExporter``.
    """

    _protocol = HTTP_JSON
    _component = "otlp_http_json_span_exporter"
