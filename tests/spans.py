"""Small hand-made spans for tests that need one field to be special."""

import itertools
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

__all__ = ["RESOURCE", "SCOPE", "context", "span"]

RESOURCE = Resource({"service.name": "shop"})
SCOPE = InstrumentationScope("shop", "1.0")

_ids = itertools.count(1)


def context(**fields: Any) -> SpanContext:
    """A context with ids of its own."""
    number = next(_ids)
    fields = {
        "trace_id": number << 64 | 1,
        "span_id": number,
        "is_remote": False,
        "trace_flags": TraceFlags(1),
        **fields,
    }
    return SpanContext(**fields)


def span(name: Any = "GET /users/{id}", **fields: Any) -> ReadableSpan:
    """A finished span of the SDK's own class; ``fields`` are its constructor's."""
    usual: dict[str, Any] = {
        "context": context(),
        "resource": RESOURCE,
        "instrumentation_scope": SCOPE,
        "attributes": {"http.request.method": "GET", "http.response.status_code": 200},
        "kind": SpanKind.SERVER,
        "start_time": 1_764_000_000_000_000_000,
        "end_time": 1_764_000_000_001_000_000,
    }
    return ReadableSpan(name, **{**usual, **fields})
