"""Contexts, parents and links that programs describe as tuples."""

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry import baggage
from opentelemetry import context as context_api
from opentelemetry import trace as trace_api
from opentelemetry.context.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, TraceFlags, TraceState

from tests.property.trace.made import make

__all__ = ["build_context", "build_links", "build_span_context"]

_STATES: dict[str, list[tuple[str, str]]] = {
    "none": [],
    "one": [("vendor", "value")],
    "two": [("a", "1"), ("tenant", "x=y")],
    "many": [(f"k{number}", "v" * 20) for number in range(32)],
}


class ForeignSpan(NonRecordingSpan):
    """A span of a third party."""


def build_span_context(described: Any, spans: Sequence[Any]) -> Any:
    """("remote", number, flags, state), ("local", …), ("span", slot), ("invalid", state), "None", "text"."""
    match described:
        case ("span", slot):
            return spans[slot % len(spans)].get_span_context() if spans else _context(9, False, 1, "none")
        case ("remote" | "local", number, flags, state):
            return _context(number, described[0] == "remote", flags, state)
        case ("invalid", state):
            return SpanContext(0, 0, True, TraceFlags(1), TraceState(_STATES[state]))
        case ("half invalid", state):
            return SpanContext(77, 0, True, TraceFlags(1), TraceState(_STATES[state]))
        case "None":
            return None
        case "text":
            return "no context"
    raise AssertionError(described)


def _context(number: int, remote: bool, flags: int, state: str) -> SpanContext:
    # The trace id's high half is zero: a number of 64 bits as some systems send it.
    trace_id = number if number % 2 else number << 64 | 0xFACE
    return SpanContext(trace_id, 0xABC0 + number, remote, TraceFlags(flags), TraceState(_STATES[state]))


def build_context(described: Any, spans: Sequence[Any]) -> Any:
    """None, "empty", "current", "baggage", "foreign entries", "no span", ("span", slot), ("parent", span context), …"""
    match described:
        case None:
            return None
        case "empty":
            return Context()
        case "current":
            return context_api.get_current()
        case "baggage":
            return baggage.set_baggage("user", "é")
        case "no span":
            return Context({trace_api.propagation._SPAN_KEY: "text"})
        case "dict":
            return {}
        case ("dict", slot):
            return {trace_api.propagation._SPAN_KEY: _slot(spans, slot), "other": 1}
        case ("span", slot):
            return trace_api.set_span_in_context(_slot(spans, slot), Context())
        case ("span and baggage", slot):
            return baggage.set_baggage("k", "v", trace_api.set_span_in_context(_slot(spans, slot)))
        case ("parent", parent):
            return trace_api.set_span_in_context(NonRecordingSpan(build_span_context(parent, spans)), Context())
        case ("foreign", parent):
            return trace_api.set_span_in_context(ForeignSpan(build_span_context(parent, spans)))
        case "text" | "number":
            return 5 if described == "number" else "text"
    raise AssertionError(described)


def _slot(spans: Sequence[Any], slot: int) -> Any:
    return spans[slot % len(spans)] if spans else trace_api.INVALID_SPAN


def build_links(described: Any, spans: Sequence[Any]) -> Any:
    """None, or a sequence of None and (span context, attributes); "iterator" and "tuple" in front change its type."""
    if described is None or isinstance(described, (int, str)):
        return described
    kind: Callable[[Any], Any] = list
    if described and described[0] in {"iterator", "tuple"}:
        kind = iter if described[0] == "iterator" else tuple
        described = described[1:]
    return kind([_link(one, spans) for one in described])


def _link(described: Any, spans: Sequence[Any]) -> Any:
    if described is None:
        return None
    context, attributes = described
    return Link(build_span_context(context, spans), make(attributes))
