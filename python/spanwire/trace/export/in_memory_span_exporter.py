"""``opentelemetry.sdk.trace.export.in_memory_span_exporter`` under our name."""

from typing import TYPE_CHECKING

from spanwire.trace._disabled import is_disabled as _is_disabled

if TYPE_CHECKING:
    from spanwire.trace.export._in_memory import InMemorySpanExporter
elif _is_disabled():
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
else:
    from spanwire.trace.export._in_memory import InMemorySpanExporter

__all__ = ["InMemorySpanExporter"]
