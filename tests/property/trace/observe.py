"""What is compared of a run: a list of lines, each a thing that happened, with everything in it described as text.

Ids that a side made at random are named by the order of their appearance, times that a side read from its clock are "now",
and what differs on purpose is levelled (differences.py). All else is as it was seen.
"""

import json
import re
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from types import MappingProxyType
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN, Link, NonRecordingSpan, Span, SpanContext, Status, TraceState

from tests.property.trace.differences import (
    base_type,
    encodable,
    id_number,
    id_sent,
    name_text,
    only_the_type_matters,
    same_float,
    without_library_frames,
)

__all__ = ["FIELDS", "Record", "Said"]

FIELDS = (
    "name",
    "kind",
    "context",
    "parent",
    "start_time",
    "end_time",
    "status",
    "attributes",
    "events",
    "links",
    "dropped_attributes",
    "dropped_events",
    "dropped_links",
    "instrumentation_scope",
    "resource",
)

_NOW_WITHIN = 3_600 * 10**9
_TIMES = {"start_time", "end_time"}
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_HEX = re.compile(r"\b0x(?:[0-9a-f]{32}|[0-9a-f]{16})\b")


@dataclass(frozen=True)
class Said:
    """Text that describes something already."""

    text: str


class Record:
    """The lines of one run."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._ids: dict[int, str] = {}
        self._spans: dict[int, tuple[int, Any]] = {}
        self._count = 0

    def note(self, what: str, *values: Any) -> None:
        """Adds a line."""
        self.lines.append(" ".join([what, *(self.describe(value) for value in values)]))

    def outcome(self, function: Callable[[], Any]) -> str:
        """What a call returned or raised, as text."""
        try:
            return self.describe(function())
        except BaseException as error:
            return f"raised {self.error(error)}"

    # --- spans by identity

    def know(self, span: Any) -> None:
        """Numbers a span that is seen for the first time."""
        if id(span) not in self._spans:
            self._spans[id(span)] = (self._count, span)
            self._count += 1

    def forget(self, span: Any) -> None:
        """Keeps no reference any more; the number is not used again."""
        self.context(span.get_span_context())  # its ids are named here, and not by the order in which frames are sent
        self._spans.pop(id(span), None)

    def snapshot(self, span: Any, fields_only: bool = False) -> str:
        """Everything that can be read from a span, or its ReadableSpan."""
        is_span = hasattr(span, "is_recording") and not fields_only
        parts = [f"recording={self.outcome(span.is_recording)}"] if is_span else []
        for field in FIELDS:
            parts.append(f"{field}={self.field(span, field)}")
        return "{" + ", ".join(parts) + "}"

    def field(self, span: Any, field: str) -> str:
        """One public field."""

        def read() -> str:
            value = getattr(span, field)
            if field == "name":
                return repr(name_text(value))
            if field in _TIMES:
                return self.time(value)
            if field == "resource":
                return f"{self.describe(dict(value.attributes))} {value.schema_url!r}"
            return self.describe(value)

        try:
            return read()
        except BaseException as error:
            return f"raised {self.error(error)}"

    # --- values

    def describe(self, value: Any) -> str:
        """A value with its type, so that True, 1 and 1.0 differ; orders of maps are kept."""
        value = base_type(value)
        if isinstance(value, str):
            return repr(self.text(value))
        if isinstance(value, float):
            return same_float(value)
        if value is None or isinstance(value, (bool, int, bytes)):
            return repr(value)
        for kind, how in _DESCRIPTIONS:
            if isinstance(value, kind):
                return how(self, value)
        if isinstance(value, Mapping):
            return self.mapping(value)
        if type(value) in (tuple, list):
            inner = ", ".join(self.describe(item) for item in value)
            return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
        return f"<{type(value).__name__}>"

    def mapping(self, value: Mapping[Any, Any]) -> str:
        """The entries that OTLP can hold, in order; a mappingproxy says so."""
        kind = "proxy" if isinstance(value, MappingProxyType) else ""
        inner = ", ".join(
            f"{self.describe(key)}: {self.describe(item)}"
            for key, item in value.items()
            if encodable(key) and encodable(item)
        )
        return f"{kind}{{{inner}}}"

    def error(self, error: BaseException) -> str:
        """An exception: type and, unless only that matters, its text."""
        if only_the_type_matters(error):
            return type(error).__name__
        try:
            text = self.text(str(error))
        except Exception as second:
            text = f"<{type(second).__name__}>"
        return f"{type(error).__name__}: {text}"

    def text(self, text: str) -> str:
        """A text without what changes from run to run."""
        # Names and descriptions with lone surrogates turn up in many texts.
        text = _ADDRESS.sub("at 0x…", without_library_frames(name_text(text)))
        text = _ISO.sub(lambda found: "now" if _is_now_text(found[0]) else found[0], text)
        return _HEX.sub(lambda found: self.id(int(found[0], 16), len(found[0]) > 18), text)

    def json(self, text: str) -> str:
        """The JSON of a span, without the attributes that OTLP cannot hold, and whether it is written as the SDK writes."""
        tree = json.loads(text)
        layout = "" if text == json.dumps(tree, indent=4) else "laid out otherwise "
        tree["name"] = name_text(tree["name"])
        if "description" in tree["status"]:
            tree["status"]["description"] = name_text(tree["status"]["description"])
        for part in (tree, *tree["events"], *tree["links"]):
            part["attributes"] = _clean_json(part["attributes"])
        for link in tree["links"]:
            link["context"] = _ids_sent(link["context"])
        for event in tree["events"]:
            event["name"] = name_text(event["name"])
        return layout + repr(_texts(tree, self.text))

    def time(self, value: Any) -> str:
        """A time in ns, or "now"."""
        return "now" if isinstance(value, int) and abs(value - time.time_ns()) < _NOW_WITHIN else repr(value)

    def id(self, value: Any, is_trace: bool, names: bool = True) -> str:
        """An id in hexadecimal, or the name of one that was made at random; without ``names`` a new one gets none."""
        value = id_number(value)
        if not isinstance(value, int):
            return repr(value)
        drawn = value & (2**64 - 1) > 2**20 and (not is_trace or value >> 64 > 2**20)
        if not drawn:
            return f"0x{value:x}"
        if not names:
            return self._ids.get(value, "?")
        return self._ids.setdefault(value, f"{'T' if is_trace else 'S'}{len(self._ids)}")

    def span(self, span: Any) -> str:
        if span is INVALID_SPAN:
            return "INVALID_SPAN"
        if id(span) in self._spans:
            return f"span#{self._spans[id(span)][0]}"
        return f"{span.__class__.__name__}({self.describe(span.get_span_context())})"

    def context(self, context: SpanContext, is_linked: bool = False) -> str:
        trace_id, span_id = context.trace_id, context.span_id
        if is_linked:
            trace_id, span_id = id_sent(trace_id, True), id_sent(span_id, False)
        return (
            f"ctx({self.id(trace_id, True)}, {self.id(span_id, False)}, flags={context.trace_flags!r}"
            f" {type(context.trace_flags).__name__}, remote={context.is_remote}, valid={context.is_valid},"
            f" state={self.describe(context.trace_state)})"
        )

    def event(self, event: Event) -> str:
        return (
            f"Event({name_text(event.name)!r}, {self.time(event.timestamp)}, {self.describe(event.attributes)},"
            f" dropped={event.dropped_attributes})"
        )

    def link(self, link: Link) -> str:
        dropped = link.dropped_attributes
        context: Any = link.context  # programs give None too
        context = self.context(context, True) if isinstance(context, SpanContext) else self.describe(context)
        return f"Link({context}, {self.describe(link.attributes)}, dropped={dropped})"

    def status(self, status: Status) -> str:
        text = status.description
        return f"Status({status.status_code.name}, {None if text is None else self.text(name_text(text))!r})"

    def scope(self, scope: InstrumentationScope) -> str:
        attributes = self.describe(dict(scope.attributes or {}))
        return f"Scope({scope.name!r}, {scope.version!r}, {scope.schema_url!r}, {attributes})"


def _readable(record: Record, span: Any) -> str:
    return record.span(span) if isinstance(span, Span) else f"readable{record.snapshot(span)}"


_DESCRIPTIONS: list[tuple[type, Callable[[Record, Any], str]]] = [
    (Said, lambda _, value: value.text),
    (SpanContext, Record.context),
    (Enum, lambda _, value: f"{type(value).__name__}.{value.name}"),
    (Status, Record.status),
    (Event, Record.event),
    (Link, Record.link),
    (TraceState, lambda _, value: f"state {value.to_header()!r}"),
    (InstrumentationScope, Record.scope),
    (BaseException, Record.error),
    (SdkSpan, Record.span),
    (NonRecordingSpan, Record.span),
    (Span, Record.span),
    (ReadableSpan, _readable),
    (weakref.ref, lambda record, value: f"ref {record.describe(value())}"),
]


def _is_now_text(text: str) -> bool:
    then = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return abs(then.timestamp() - time.time()) < _NOW_WITHIN / 1e9


def _clean_json(attributes: Any) -> Any:
    if not isinstance(attributes, dict):
        return attributes
    return {key: value for key, value in attributes.items() if encodable(key) and encodable(value)}


def _ids_sent(context: dict[str, str]) -> dict[str, str]:
    """The context of a link in JSON."""
    for name, digits in (("trace_id", 32), ("span_id", 16)):
        number = int(context[name].removeprefix("0x"), 16)
        context[name] = f"0x{id_sent(number, name == 'trace_id'):0{digits}x}"
    return context


def _texts(tree: Any, change: Callable[[str], str]) -> Any:
    if isinstance(tree, str):
        return change(tree)
    if isinstance(tree, list):
        return [_texts(item, change) for item in tree]
    return {key: _texts(item, change) for key, item in tree.items()} if isinstance(tree, dict) else tree
