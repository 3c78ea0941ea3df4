"""What a generated population of spans consists of, so that a test can insist that nothing interesting is rare."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

__all__ = ["REQUIRED", "census", "shares"]

# Each must hold for at least one span in twenty.
REQUIRED = ("events", "links", "nested values", "error status", "non-ASCII", "trace state")


def census(spans: Iterable[Any]) -> Counter[str]:
    """Count the spans, and the spans with each feature."""
    counts: Counter[str] = Counter()
    for span in spans:
        counts["spans"] += 1
        counts.update(_features(span))
    return counts


def shares(counts: Counter[str]) -> str:
    """The counts as lines for people: feature, number, percent of the spans."""
    total = counts["spans"]
    lines = [f"{total} spans"]
    lines += [
        f"  {feature:22} {count:7} {count / total:7.1%}"
        for feature, count in sorted(counts.items())
        if feature != "spans"
    ]
    return "\n".join(lines)


def _features(span: Any) -> set[str]:
    attributes = dict(span.attributes or {})
    all_values = [
        *attributes.values(),
        *(value for item in (*span.events, *span.links) for value in (item.attributes or {}).values()),
    ]
    context = span.get_span_context()
    found = {f"kind {span.kind.name.lower()}"}
    candidates = {
        "events": bool(span.events),
        "event attributes": any(event.attributes for event in span.events),
        "links": bool(span.links),
        "link attributes": any(link.attributes for link in span.links),
        "nested values": any(_is_container(value) for value in all_values),
        "error status": span.status is not None and span.status.status_code is StatusCode.ERROR,
        "status description": span.status is not None and bool(span.status.description),
        "non-ASCII": any(_has_wide(value) for value in [span.name, *attributes.keys(), *all_values]),
        "astral": any(_has_wide(value, 0xFFFF) for value in [span.name, *attributes.keys(), *all_values]),
        "trace state": bool(context.trace_state),
        "parent": span.parent is not None,
        "remote parent": span.parent is not None and bool(span.parent.is_remote),
        "no attributes": not attributes,
        "dropped attributes": bool(span.dropped_attributes),
        "dropped events": bool(span.dropped_events),
        "dropped links": bool(span.dropped_links),
        "scope absent": span.instrumentation_scope is None,
        "scope attributes": bool(getattr(span.instrumentation_scope, "attributes", None)),
        "times absent": not span.start_time or not span.end_time,
        "not a ReadableSpan": type(span) is not ReadableSpan,
    }
    return found | {feature for feature, present in candidates.items() if present}


def _is_container(value: Any) -> bool:
    return isinstance(value, (Sequence, Mapping)) and not isinstance(value, (str, bytes))


def _has_wide(value: Any, above: int = 127) -> bool:
    if isinstance(value, str):
        return any(ord(character) > above for character in str.__str__(value))
    if isinstance(value, Mapping):
        return any(_has_wide(item, above) for pair in value.items() for item in pair)
    return (
        isinstance(value, Sequence)
        and not isinstance(value, (bytes, bytearray, memoryview, range))
        and any(_has_wide(item, above) for item in value)
    )
