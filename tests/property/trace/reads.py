"""What can be read from a span at any moment, and what can be asked of it, by name."""

import copy
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import opentelemetry.sdk.trace as sdk
from opentelemetry import trace as api

from tests.property.trace.differences import name_text
from tests.property.trace.observe import FIELDS, Record, Said

__all__ = ["READS", "read"]


def read(what: str, span: Any, side: Any, record: Record) -> Any:
    """The answer, or what describes it."""
    if what in FIELDS:
        return Said(record.field(span, what))
    answer = READS[what](span, side, record)
    return Said(answer) if isinstance(answer, str) else answer


def _isinstance(span: Any, side: Any, record: Record) -> Any:
    # The side's own Span is left out: ours is the class of unsampled spans too.
    classes = (api.Span, sdk.Span, sdk._Span, sdk.ReadableSpan, api.NonRecordingSpan, side.trace.ReadableSpan)
    return [isinstance(span, kind) for kind in classes]


def _hash(span: Any, side: Any, record: Record) -> Any:
    others = {span: 1}
    return [span in others, span == span, span == copy.copy, bool(span), weakref.ref(span)() is span]


def _identity(span: Any, side: Any, record: Record) -> Any:
    context = span.get_span_context()
    return [
        context is span.get_span_context(),
        context == span.get_span_context(),
        type(context).__name__,
        hash(context) == hash(span.get_span_context()),
    ]


def _write_to_attributes(span: Any, side: Any, record: Record) -> Any:
    span.attributes["k"] = 1


def _write_to_event(span: Any, side: Any, record: Record) -> Any:
    for event in span.events:
        event.attributes["k"] = 1
    return len(span.events)


def _read_twice(span: Any, side: Any, record: Record) -> Any:
    first, second = record.describe(span.attributes), record.describe(span.attributes)
    return [first == second, "not there" in span.attributes, span.attributes.get("not there")]


def _readable(span: Any, side: Any, record: Record) -> Any:
    readable = span._readable_span()
    return [readable, isinstance(readable, sdk.ReadableSpan), isinstance(readable, api.Span)]


def _copied(span: Any, side: Any, record: Record) -> Any:
    # Of a live span ours is a view, which has all that can be read, but can do nothing: differences.py.
    again = copy.copy(span)
    return record.snapshot(again, fields_only=isinstance(span, sdk.ReadableSpan))


def _pickled(span: Any, side: Any, record: Record) -> Any:
    return pickle.loads(pickle.dumps(span))


def _setting(name: str) -> Callable[[Any, Any, Record], Any]:
    def set_it(span: Any, side: Any, record: Record) -> Any:
        if not isinstance(span, api.NonRecordingSpan):  # ours has no __dict__: differences.py
            setattr(span, name, "x")

    return set_it


READS: dict[str, Callable[[Any, Any, Record], Any]] = {
    "is_recording": lambda span, *_: span.is_recording(),
    "get_span_context": lambda span, *_: span.get_span_context(),
    "to_json": lambda span, _, record: record.json(span.to_json()),
    "to_json without indent": lambda span, _, record: record.text(str(span.to_json(indent=None).count("\n"))),
    "repr": lambda span, _, record: record.text(repr(span)),
    "str": lambda span, _, record: record.text(str(span)),
    "instrumentation_info": lambda span, *_: str(span.instrumentation_info),
    "snapshot": lambda span, _, record: record.snapshot(span),
    "isinstance": _isinstance,
    "hash": _hash,
    "identity": _identity,
    "class": lambda span, *_: span.__class__.__name__,
    "write to attributes": _write_to_attributes,
    "write to event": _write_to_event,
    "read twice": _read_twice,
    "readable": _readable,
    "deepcopy": lambda span, *_: copy.deepcopy(span),
    "pickle": _pickled,
    "copy": _copied,
    "set name": _setting("name"),
    "set attributes": _setting("attributes"),
    "no such attribute": lambda span, *_: span.no_such_attribute,
    "private attributes": lambda span, *_: dict(span._attributes),
    "private name": lambda span, _, record: record.text(name_text(span._name)),
    **{field: lambda span, *_: None for field in FIELDS},
}
