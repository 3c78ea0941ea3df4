"""Records whole traces of a run, so that they can be made again (``_replay``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanwire.sink import ReceivedSpan, Trace

__all__ = ["MOST_SPANS", "record"]

MOST_SPANS = 64  # of a recording: one step of a replay, after which it can be paced


def record(traces: Sequence[Trace]) -> list[dict[str, Any]]:
    """Whole traces from all of the run, at most MOST_SPANS spans, as a document of JSON."""
    whole = [one.spans for one in traces if len(one.roots) == 1 and one.roots[0].span.parent_span_id is None]
    chosen: list[list[ReceivedSpan]] = []
    for spans in whole[:: max(1, len(whole) // MOST_SPANS)]:
        if sum(map(len, chosen)) + len(spans) <= MOST_SPANS:
            chosen.append(spans)
    places = {span.span_id: (place, index) for place, spans in enumerate(chosen) for index, span in enumerate(spans)}
    return [{"spans": [_template(span, places) for span in spans]} for spans in chosen]


def _template(span: ReceivedSpan, places: dict[str, tuple[int, int]]) -> dict[str, Any]:
    from opentelemetry.trace import SpanKind, StatusCode

    template: dict[str, Any] = {
        "name": span.name,
        "kind": SpanKind(span.kind).name,
        "scope": [span.scope_name, span.scope_version],
        "attributes": span.attributes,
        "events": [[event.name, event.attributes] for event in span.events],
        "links": [[*places[link.span_id], link.attributes] for link in span.links if link.span_id in places],
    }
    if span.parent_span_id is not None:
        template["parent"] = places[span.parent_span_id][1]
    if span.status.code != StatusCode.UNSET:
        template["status"] = [StatusCode(span.status.code).name, span.status.message or None]
    return template
