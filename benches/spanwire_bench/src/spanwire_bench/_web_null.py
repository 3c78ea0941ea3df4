"""A tracer that always records and keeps nothing: what instrumentations cost without an SDK behind them.

A span that does not record would not do: instrumentations skip much of their own work for those. The calls still cost something;
``own_cost`` says how much, so that it can be added to what an SDK costs beyond this tracer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

__all__ = ["NullProvider", "NullSpan", "NullTracer", "own_cost"]

_CONTEXT = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


class NullSpan(trace.Span):
    """Says that it records."""

    def __init__(self, kind: SpanKind) -> None:
        self.kind = kind

    def end(self, end_time: int | None = None) -> None:
        """Nothing."""

    def get_span_context(self) -> SpanContext:
        return _CONTEXT

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Nothing."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Nothing."""

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Nothing."""

    def update_name(self, name: str) -> None:
        """Nothing."""

    def is_recording(self) -> bool:
        return True

    def set_status(self, status: Any, description: str | None = None) -> None:
        """Nothing."""

    def record_exception(
        self, exception: BaseException, attributes: Any = None, timestamp: int | None = None, escaped: bool = False
    ) -> None:
        """Nothing."""


class NullTracer(trace.Tracer):
    """Starts NullSpans."""

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        return NullSpan(kind)

    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # the API's decorator is for coroutines too
        self, name: str, *arguments: Any, **named: Any
    ) -> Iterator[trace.Span]:
        with trace.use_span(self.start_span(name, *arguments, **named), end_on_exit=True) as span:
            yield span


class NullProvider(trace.TracerProvider):
    """Gives NullTracers."""

    def get_tracer(self, *arguments: Any, **named: Any) -> trace.Tracer:
        return NullTracer()


def own_cost(calls: Mapping[str, float]) -> float:
    """What so many calls on a NullTracer and its spans take, in ns of CPU."""
    costs = _costs()
    return sum(amount * costs[name] for name, amount in calls.items())


_SPAN_CALLS: dict[str, tuple[Any, ...]] = {
    "end": (),
    "get_span_context": (),
    "set_attributes": ({},),
    "set_attribute": ("http.request.method", "GET"),
    "add_event": ("event",),
    "update_name": ("name",),
    "is_recording": (),
    "set_status": (trace.StatusCode.OK,),
    "record_exception": (ValueError(),),
}
_LOOPS = 5
_CALLS = 10_000


def _costs() -> dict[str, float]:
    tracer = NullTracer()
    span = tracer.start_span("span")

    def scope() -> None:
        with tracer.start_as_current_span("span"):
            pass

    costs = {name: _cost(getattr(span, name), *given) for name, given in _SPAN_CALLS.items()}
    costs["start_span"] = _cost(lambda: tracer.start_span("span", kind=SpanKind.SERVER, attributes=None)) - _empty()
    costs["start_as_current_span"] = _cost(scope) - _empty()
    return costs


def _empty() -> float:
    return _cost(lambda: None)


def _cost(call: Callable[..., object], *given: Any) -> float:
    best = float("inf")
    for _ in range(_LOOPS):
        begin = time.thread_time_ns()
        for _ in repeat(None, _CALLS):
            call(*given)
        best = min(best, time.thread_time_ns() - begin)
    return best / _CALLS
