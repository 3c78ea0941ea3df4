"""The exporter for tests, which keeps native spans as their bytes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import in_memory_span_exporter as sdk

from spanwire._facade.tracing import detached

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExportResult

__all__ = ["InMemorySpanExporter"]


class InMemorySpanExporter(sdk.InMemorySpanExporter):
    """Keeps the spans that it is given, for tests; native ones as their bytes, so that little memory is held.

    :param max_spans: the oldest go when more would be kept; default: no limit.
    """

    def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
        """Keep the spans."""
        return super().export([detached(span) for span in spans])
