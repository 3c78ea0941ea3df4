"""What the tests of libraries that go beyond the API share."""

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import export as sdk_export
from opentelemetry.trace import SpanContext, TraceFlags

import spanwire.trace.export
from tests.conformance.trace.sides import Side

OTHER = SpanContext(0xAAAABBBBCCCCDDDD, 0xEEEE, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def exports(side: Side) -> Any:
    """The module whose processors go with a side."""
    return sdk_export if side.name == "sdk" else spanwire.trace.export


class OnStart(SpanProcessor):
    """Does something to every span that begins."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self.change = change

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.change(span)


class OnEnd(SpanProcessor):
    """The same to every span that has ended."""

    def __init__(self, change: Callable[[Any], Any]) -> None:
        self.change = change

    def on_end(self, span: ReadableSpan) -> None:
        self.change(span)


# What is written to a running span: by processors in on_start, by hooks of instrumentations, by whoever holds it.


def over_http(side: Side, endpoint: str) -> Any:
    if side.name == "sdk":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint)
    from spanwire.exporter.http import OTLPSpanExporter as Ours

    return Ours(endpoint)
