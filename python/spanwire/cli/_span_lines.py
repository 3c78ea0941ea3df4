"""A span as a line of JSON that is easy to search and to take apart: attributes are objects, times are text."""

from __future__ import annotations

import base64
import json
import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanwire._native import ReceivedSpan

__all__ = ["as_json", "span_line", "timestamp"]


def span_line(span: ReceivedSpan) -> bytes:
    """The line, with its end. What is empty is left out, but for the attributes; bytes are base64."""
    status = span.status
    line: dict[str, object] = {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "trace_state": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": _word(span.kind),
        "start": timestamp(span.start_time),
        "end": timestamp(span.end_time),
        "duration_ns": span.end_time - span.start_time,
        "status": _word(status.code),
        "status_message": status.message,
        "attributes": _plain(span.attributes),
        "dropped_attributes": span.dropped_attributes_count,
        "events": [
            _full(
                {
                    "name": event.name,
                    "time": timestamp(event.timestamp),
                    "attributes": _plain(event.attributes),
                    "dropped_attributes": event.dropped_attributes_count,
                }
            )
            for event in span.events
        ],
        "dropped_events": span.dropped_events_count,
        "links": [
            _full(
                {
                    "trace_id": link.trace_id,
                    "span_id": link.span_id,
                    "trace_state": link.trace_state,
                    "flags": link.flags,
                    "attributes": _plain(link.attributes),
                    "dropped_attributes": link.dropped_attributes_count,
                }
            )
            for link in span.links
        ],
        "dropped_links": span.dropped_links_count,
        "resource": _plain(span.resource_attributes),
        "resource_schema_url": span.resource_schema_url,
        "scope": span.scope_name,
        "scope_version": span.scope_version,
        "scope_attributes": _plain(span.scope_attributes),
        "scope_schema_url": span.scope_schema_url,
    }
    return as_json(_full(line)).encode() + b"\n"


def as_json(document: object, indent: int | None = None) -> str:
    """JSON in which nothing steers a terminal: what cannot be printed (also U+0080 to U+009F) is escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=indent, separators=(",", ": " if indent else ":"))
    if text.isprintable():
        return text
    # Line breaks are between values: in strings they are escaped already.
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


_ALWAYS = {"attributes", "duration_ns"}


def _full(line: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in line.items() if value or key in _ALWAYS}


def timestamp(ns: int) -> str:
    """ISO 8601 in UTC with nine digits of a second; nothing for no time."""
    if not ns:
        return ""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _word(code: object) -> str:
    return str(getattr(code, "name", code)).lower()


def _plain(value: object) -> object:
    """What JSON can hold. The depth is that of OTLP's values, which is bounded where they are read."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
