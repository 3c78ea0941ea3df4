"""Received spans as plain fields that two runs of a program can be compared by, and as trees."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from spanwire.sink import ReceivedSpan
from tests.instrumentations import normalise

__all__ = ["Node", "Sent", "forest", "nodes", "shape"]

TOLERANCE = 60 * 10**9


@dataclass(frozen=True)
class Sent:
    """What one run of a program has sent.

    :param spans: as received.
    :param began: when the program was started, in nanoseconds since 1970.
    :param ended: when it had ended.
    :param native: whether the spans were spanwire's own.
    """

    spans: Sequence[ReceivedSpan]
    began: int
    ended: int
    native: bool = False

    @cached_property
    def places(self) -> dict[tuple[str, str], ReceivedSpan]:
        return {(span.trace_id, span.span_id): span for span in self.spans}

    @cached_property
    def ids(self) -> dict[str, str]:
        """From an id to whose it is: a span's by its name, a trace's by the names of its roots."""
        named: dict[str, str] = {}
        roots: dict[str, set[str]] = {}
        for span in self.spans:
            name = normalise.text(span.name)
            named[span.span_id] = f"<span {name}>"
            above = self.places.get((span.trace_id, span.parent_span_id or ""))
            roots.setdefault(span.trace_id, set()).update(() if above else (name,))
        return named | {trace_id: f"<trace {', '.join(sorted(names))}>" for trace_id, names in roots.items()}

    def when(self, time: int) -> str:
        """A time of the run, or which other."""
        return "of the run" if self.began - TOLERANCE <= time <= self.ended + TOLERANCE else str(time)


@dataclass(slots=True, eq=False)
class Node:
    """A span: its fields without ids and times, and the spans below it.

    ``path`` are the names from its root to itself.
    """

    fields: dict[str, Any]
    path: tuple[str, ...] = ()
    children: "list[Node]" = field(default_factory=list)


def forest(sent: Sent) -> list[list[Node]]:
    """A list for each trace: its roots, which are the spans without a parent or whose parent was not received."""
    places = sent.places
    made = {key: Node(_fields(span, sent)) for key, span in places.items()}
    roots: dict[str, list[Node]] = {}
    for (trace_id, _), node in made.items():
        roots.setdefault(trace_id, [])
        span = places[trace_id, node.fields.pop("span_id")]
        above = made.get((trace_id, span.parent_span_id or ""))
        if above is None:
            node.fields["parent"] = "not received" if span.parent_span_id else "none"
            roots[trace_id].append(node)
        else:
            parent = places[trace_id, span.parent_span_id or ""]
            node.fields["parent"] = _who(parent)
            above.children.append(node)
    if len(places) != len(sent.spans):
        raise ValueError(f"{len(sent.spans) - len(places)} spans came twice")
    for trace in roots.values():
        names = sorted(json.dumps(root.fields["name"]) for root in trace)
        for root in trace:
            _walk(root, (), names)
    return list(roots.values())


def nodes(trees: Iterable[Iterable[Node]]) -> list[Node]:
    """All of them."""
    found: list[Node] = []
    waiting = [root for trace in trees for root in trace]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(node.children)
    return found


def shape(node: Node) -> str:
    """A tree as text: equal for equal trees, whatever the order of siblings."""
    return json.dumps(node.fields) + "".join(sorted(f"({shape(child)})" for child in node.children))


def _walk(node: Node, above: tuple[str, ...], roots: list[str]) -> None:
    node.path = (*above, node.fields["name"])
    node.fields["roots of its trace"] = roots
    for child in node.children:
        _walk(child, node.path, roots)


def _fields(span: ReceivedSpan, sent: Sent) -> dict[str, Any]:
    ids = sent.ids
    times = [span.start_time, *(event.timestamp for event in span.events), span.end_time]
    return {
        "span_id": span.span_id,
        "name": normalise.text(span.name, ids),
        "kind": getattr(span.kind, "name", span.kind),
        "status": [getattr(span.status.code, "name", span.status.code), normalise.text(span.status.message, ids)],
        "attributes": _attributes(span.attributes, ids),
        "dropped attributes": span.dropped_attributes_count,
        "events": [
            [normalise.text(event.name, ids), _attributes(event.attributes, ids), event.dropped_attributes_count]
            for event in span.events
        ],
        "dropped events": span.dropped_events_count,
        "links": [
            [
                _target(span, (link.trace_id, link.span_id), sent.places),
                _attributes(link.attributes, ids),
                link.dropped_attributes_count,
                link.flags & normalise.OFFICIAL_FLAGS,
            ]
            for link in span.links
        ],
        "dropped links": span.dropped_links_count,
        "flags": normalise.flags(span.flags, native=sent.native),
        "trace state": span.trace_state,
        "scope": [
            span.scope_name,
            span.scope_version,
            span.scope_schema_url,
            _attributes(span.scope_attributes, ids),
            span.scope_dropped_attributes_count,
        ],
        "resource": [
            _attributes(span.resource_attributes, ids),
            span.resource_schema_url,
            span.resource_dropped_attributes_count,
        ],
        "times": ["in order" if times == sorted(times) else "not in order", *map(sent.when, times)],
    }


def _attributes(found: Mapping[str, Any], ids: Mapping[str, str]) -> list[list[Any]]:
    """In their order, which is part of what is sent."""
    return [[key, normalise.value(key, one, ids)] for key, one in found.items()]


def _who(span: ReceivedSpan) -> list[Any]:
    return [normalise.text(span.name), getattr(span.kind, "name", span.kind), span.scope_name]


def _target(span: ReceivedSpan, key: tuple[str, str], places: Mapping[tuple[str, str], ReceivedSpan]) -> Any:
    found = places.get(key)
    same_trace = "same trace" if key[0] == span.trace_id else "another trace"
    return [same_trace, "not received" if found is None else _who(found)]
