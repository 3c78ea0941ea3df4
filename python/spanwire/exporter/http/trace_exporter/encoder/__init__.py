"""Names that very old code imports from here; they need the ``opentelemetry-proto`` package, which spanwire does not."""

try:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTraceServiceRequest as PB2ExportTraceServiceRequest,
    )
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue as PB2AnyValue
    from opentelemetry.proto.common.v1.common_pb2 import ArrayValue as PB2ArrayValue
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope as PB2InstrumentationScope
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue as PB2KeyValue
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource as PB2Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans as PB2ResourceSpans
    from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans as PB2ScopeSpans
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as PB2SPan
    from opentelemetry.proto.trace.v1.trace_pb2 import Status as PB2Status
except ImportError as _missing:
    raise ImportError(
        "spanwire.exporter.http.trace_exporter.encoder needs the package opentelemetry-proto: pip install opentelemetry-proto"
    ) from _missing
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.trace import Span as SDKSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.span import SpanContext, TraceState
from opentelemetry.trace.status import Status
from opentelemetry.util.types import Attributes

__all__ = [
    "Attributes",
    "Event",
    "InstrumentationScope",
    "Link",
    "PB2AnyValue",
    "PB2ArrayValue",
    "PB2ExportTraceServiceRequest",
    "PB2InstrumentationScope",
    "PB2KeyValue",
    "PB2Resource",
    "PB2ResourceSpans",
    "PB2SPan",
    "PB2ScopeSpans",
    "PB2Status",
    "Resource",
    "SDKSpan",
    "SpanContext",
    "SpanKind",
    "Status",
    "TraceState",
]
