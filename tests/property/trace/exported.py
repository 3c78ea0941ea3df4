"""What an exporter in Python is given, by both sides: spans whose frames waited in a queue, and the SDK's own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor

import spanwire.trace
from spanwire._facade.tracing import keep, take_frames
from spanwire._native import FrameQueue
from tests.property.trace.observe import FIELDS, Record
from tests.property.trace.programs import Program
from tests.property.trace.runner import run
from tests.property.trace.sides import Side, Tap

__all__ = ["QueueTap", "SdkTap", "described", "exported", "private"]

PRIVATE = (
    "_name",
    "_context",
    "_kind",
    "_parent",
    "_start_time",
    "_end_time",
    "_status",
    "_attributes",
    "_events",
    "_links",
    "_resource",
    "_instrumentation_scope",
    "_instrumentation_info",
)


class SdkTap(SpanProcessor):
    """Keeps the spans that a batch processor would."""

    def __init__(self) -> None:
        self._spans: list[Any] = []

    def on_end(self, span: Any) -> None:
        if span.context and span.context.trace_flags.sampled:
            self._spans.append(span)

    def taken(self) -> list[Any]:
        return self._spans


class QueueTap(spanwire.trace.SpanProcessor):
    """Has them as frames."""

    _reads_frames = True

    def __init__(self) -> None:
        self._queue = FrameQueue()

    def on_end(self, span: Any) -> None:
        """Not called by a native provider, but by what stands between."""
        if span.context and span.context.trace_flags.sampled:
            keep(self._queue, span)

    on_end._takes_frames = True  # type: ignore[attr-defined]

    def _attend(self) -> None:
        """Nobody sends."""

    def taken(self) -> list[Any]:
        return take_frames(self._queue, 1_000_000)


def exported(program: Program, side: Side, tap: Callable[[], Any]) -> list[str]:
    """The spans that ``side`` would hand to an exporter, in order, described."""
    processor = tap()
    run(program, replace(side, tap=lambda: Tap(processor, list)))
    record = Record()
    return [described(record, span) for span in processor.taken()]


def described(record: Record, span: Any) -> str:
    """All that can be read from a finished span."""
    parts = [record.snapshot(span, fields_only=True), record.outcome(lambda: record.json(span.to_json()))]
    parts += [f"{name}={record.outcome(lambda name=name: private(record, span, name))}" for name in PRIVATE]  # type: ignore[misc]
    parts.append(f"is {span.__class__.__name__}")
    return ", ".join(parts)


def private(record: Record, span: Any, name: str) -> Any:
    """A private field, and what the SDK's collections say of themselves."""
    value = getattr(span, name)
    if name[1:] in FIELDS:
        text = record.field(_Only(name[1:], value), name[1:])
    else:
        text = record.describe(value)
    collections = [value, *(getattr(item, "attributes", None) for item in value)] if name in _LISTS else [value]
    bounds = [
        [record.describe(getattr(each, bound, None)) for bound in ("maxlen", "max_value_len", "dropped", "_immutable")]
        for each in collections
        if name in _BOUNDED
    ]
    return f"{text} {bounds}"


_LISTS = {"_events", "_links"}
_BOUNDED = {"_attributes", *_LISTS}


class _Only:
    """Something with one attribute."""

    def __init__(self, name: str, value: Any) -> None:
        setattr(self, name, value)
