"""Received spans as plain fields that two runs of a program can be compared by, and as trees."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spanwire.sink import ReceivedSpan
from tests.instrumentations import normalise

__all__ = ["Node", "forest", "nodes", "shape"]


@dataclass(slots=True, eq=False)
class Node:
    """A span: its fields without ids and times, and the spans below it.

    ``path`` are the names from its root to itself.
    """

    fields: dict[str, Any]
    path: tuple[str, ...] = ()
    children: "list[Node]" = field(default_factory=list)


def forest(spans: Iterable[ReceivedSpan]) -> list[list[Node]]:
    """A list for each trace: its roots, which are the spans without a parent or whose parent was not received."""
    received = list(spans)
    places = {(span.trace_id, span.span_id): span for span in received}
    made = {key: Node(_fields(span, places)) for key, span in places.items()}
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
    if len(places) != len(received):
        raise ValueError(f"{len(received) - len(places)} spans came twice")
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


def _fields(span: ReceivedSpan, places: Mapping[tuple[str, str], ReceivedSpan]) -> dict[str, Any]:
    times = [span.start_time, *(event.timestamp for event in span.events), span.end_time]
    return {
        "span_id": span.span_id,
        "name": normalise.text(span.name),
        "kind": getattr(span.kind, "name", span.kind),
        "status": [getattr(span.status.code, "name", span.status.code), normalise.text(span.status.message)],
        "attributes": _attributes(span.attributes),
        "dropped attributes": span.dropped_attributes_count,
        "events": [
            [normalise.text(event.name), _attributes(event.attributes), event.dropped_attributes_count]
            for event in span.events
        ],
        "dropped events": span.dropped_events_count,
        "links": [
            [
                _target(span, (link.trace_id, link.span_id), places),
                _attributes(link.attributes),
                link.dropped_attributes_count,
                link.flags & normalise.OFFICIAL_FLAGS,
            ]
            for link in span.links
        ],
        "dropped links": span.dropped_links_count,
        "flags": normalise.flags(span.flags),
        "trace state": span.trace_state,
        "scope": [
            span.scope_name,
            span.scope_version,
            span.scope_schema_url,
            _attributes(span.scope_attributes),
            span.scope_dropped_attributes_count,
        ],
        "resource": [
            _attributes(span.resource_attributes),
            span.resource_schema_url,
            span.resource_dropped_attributes_count,
        ],
        "times": "in order" if times == sorted(times) and times[0] > 0 else "not in order",
    }


def _attributes(found: Mapping[str, Any]) -> list[list[Any]]:
    """In their order, which is part of what is sent."""
    return [[key, normalise.value(key, one)] for key, one in found.items()]


def _who(span: ReceivedSpan) -> list[Any]:
    return [normalise.text(span.name), getattr(span.kind, "name", span.kind), span.scope_name]


def _target(span: ReceivedSpan, key: tuple[str, str], places: Mapping[tuple[str, str], ReceivedSpan]) -> Any:
    found = places.get(key)
    same_trace = "same trace" if key[0] == span.trace_id else "another trace"
    return [same_trace, "not received" if found is None else _who(found)]
