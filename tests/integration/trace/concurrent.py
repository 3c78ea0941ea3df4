"""What the concurrency tests share: the SDK and ours side by side, the spans that came out, and who was current when."""

import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spanwire.sink import Sink

# The SDK is the oracle; ours seen by a Python processor; ours sent natively to a sink.
SIDES = ["sdk", "processor", "native"]


@dataclass(frozen=True)
class Seen:
    """One finished span: ids as ints, parent 0 if it has none."""

    name: str
    trace_id: int
    span_id: int
    parent_id: int
    attributes: dict[str, Any]


@dataclass
class Side:
    """A tracer, and the spans that it has finished."""

    name: str
    module: ModuleType
    provider: Any
    read: Callable[[], list[Seen]]
    tracer: Any = field(init=False)

    def __post_init__(self) -> None:
        self.tracer = self.provider.get_tracer("concurrency")

    def spans(self) -> list[Seen]:
        """Everything finished so far; in order of ending."""
        assert self.provider.force_flush(60_000)
        return self.read()

    def tree(self) -> dict[str, str | None]:
        """The name of each span's parent; names and span ids are unique, and a child is in its parent's trace."""
        spans = self.spans()
        by_id = {span.span_id: span for span in spans}
        assert len(by_id) == len(spans) == len({span.name for span in spans})
        assert 0 not in by_id
        parents: dict[str, str | None] = {}
        for span in spans:
            parent = by_id.get(span.parent_id)
            if parent is not None:
                assert span.trace_id == parent.trace_id
            parents[span.name] = (
                parent.name if parent is not None else f"#{span.parent_id:016x}" if span.parent_id else None
            )
        return parents


@contextmanager
def side(name: str) -> Iterator[Side]:
    """One of SIDES, shut down afterwards."""
    module = importlib.import_module("opentelemetry.sdk.trace" if name == "sdk" else "spanwire.trace")
    limits = module.SpanLimits(max_attributes=100_000)
    provider = module.TracerProvider(shutdown_on_exit=False, span_limits=limits)
    if name == "native":
        from spanwire.exporter.http import OTLPSpanExporter
        from spanwire.trace.export import BatchSpanProcessor

        with Sink(max_bytes=256 << 20) as sink:
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sink.traces_endpoint)))
            try:
                yield Side(name, module, provider, lambda: [_received(span) for span in sink.spans()])
            finally:
                provider.shutdown()
        return
    memory = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    try:
        yield Side(name, module, provider, lambda: [_read(span) for span in memory.get_finished_spans()])
    finally:
        provider.shutdown()


def _read(span: Any) -> Seen:
    parent = span.parent.span_id if span.parent is not None else 0
    return Seen(span.name, span.context.trace_id, span.context.span_id, parent, dict(span.attributes))


def _received(span: Any) -> Seen:
    parent = int(span.parent_span_id, 16) if span.parent_span_id else 0
    return Seen(span.name, int(span.trace_id, 16), int(span.span_id, 16), parent, dict(span.attributes))


def current(context: Context | None = None) -> str | None:
    """Which span the API says is current: its name, or None."""
    span = trace.get_current_span(context)
    if span is trace.INVALID_SPAN:
        return None
    return str(span.name)  # type: ignore[attr-defined]  # the API's class has no name


@dataclass
class Diary:
    """What a program notes down, step by step, and what was logged meanwhile; comparable between sides."""

    entries: list[tuple[str, str | None]] = field(default_factory=list)

    def note(self, step: str) -> None:
        self.entries.append((step, current()))

    def logged(self, caplog: pytest.LogCaptureFixture) -> None:
        for record in caplog.records:
            kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
            self.entries.append((f"{record.name} {logging.getLevelName(record.levelno)}: {record.getMessage()}", kind))
        caplog.clear()
