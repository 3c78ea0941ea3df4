"""``opentelemetry.sdk.trace.export.in_memory_span_exporter`` under our name."""

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

__all__ = ["InMemorySpanExporter"]
