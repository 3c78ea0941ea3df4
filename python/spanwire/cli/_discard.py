"""A processor and an exporter that do all of their work and send nothing: what a benchmark of recording ends in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanwire._native import FrameQueue, HttpClient
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import SpanProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["discarding_exporter", "discarding_processor"]


class _Overflowing(SpanProcessor):
    def __init__(self, max_bytes: int) -> None:
        self._queue = FrameQueue(max_bytes=max_bytes)

    def on_end(self, span: ReadableSpan) -> None:
        self._queue.push(span, w3c_flags=True)


setattr(_Overflowing.on_end, "_takes_frames", True)  # noqa: B010 - an assignment is an error to mypy


def discarding_processor(max_bytes: int) -> SpanProcessor:
    """A processor that queues finished frames, as our batch processor does, and drops the oldest beyond ``max_bytes``."""
    return _Overflowing(max_bytes)


def discarding_exporter() -> OTLPSpanExporter:
    """An exporter whose client takes every request and discards it."""
    exporter = OTLPSpanExporter(endpoint="http://discarded.invalid/")
    exporter._client = HttpClient.discarding()
    return exporter
