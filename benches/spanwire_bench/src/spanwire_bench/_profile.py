"""Where our encoder's time goes, by leaving out: the same spans without their attributes, without their events, and so on.

What a part costs is the time with everything less the time without that part. The stripped spans are built by the SDK's
own constructor, so the encoder reads them the same way. Every variant is encoded over and over, in turn with the others;
what spans cost that were never read before, beyond that, is memory that the caches do not hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanContext, Status

from spanwire_bench import _workloads
from spanwire_bench._measure import collector_off

__all__ = ["Part", "profile"]

_LIMIT = 128  # what the SDK gives its attributes, events and links
_GROUP = 8
_REPEAT = 20


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a span and what it costs: ns a span (the minima's difference), and how many a span has on average."""

    workload: str
    name: str
    ns: float
    count: float | None

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {"workload": self.workload, "part": self.name, "ns_per_span": self.ns, "count_per_span": self.count}


def profile(
    workload: str, encoder: Callable[[Sequence[ReadableSpan]], bytes], *, batch: int, rounds: int
) -> list[Part]:
    """The parts of ``workload``, the whole first."""
    whole = _workloads.make(workload, batch)
    variants = {name: [_without(span, name, whole[0]) for span in whole] for name in ("", *_PARTS)}
    best = dict.fromkeys(variants, float("inf"))
    with collector_off():
        for _ in range(rounds):
            for name, spans in variants.items():
                best[name] = min(best[name], _once(encoder, spans, _REPEAT))
    fresh = float("inf")
    for first in range(0, rounds, _GROUP):
        with collector_off():
            group = [_workloads.make(workload, batch, seed=seed) for seed in range(first, min(first + _GROUP, rounds))]
            fresh = min(fresh, *(_once(encoder, spans, 1) for spans in group))
    parts = [Part(workload, name, best[""] - best[name], count(whole) / batch) for name, count in _PARTS.items()]
    rest = best[""] - sum(part.ns for part in parts if part.name not in _CONTAINED)
    return [
        Part(workload, "never read before", fresh, None),
        Part(workload, "memory not in the caches", fresh - best[""], None),
        *(part for part in parts if part.count),
        Part(workload, "the rest: ids, name, kind, times, flags", rest, None),
    ]


def _once(encoder: Callable[[Sequence[ReadableSpan]], bytes], spans: Sequence[ReadableSpan], repeat: int) -> float:
    begin = time.thread_time_ns()
    for _ in range(repeat):
        encoder(spans)
    return (time.thread_time_ns() - begin) / repeat / len(spans)


def _count(of: Callable[[ReadableSpan], int]) -> Callable[[Sequence[ReadableSpan]], int]:
    return lambda spans: sum(map(of, spans))


def _stacks(span: ReadableSpan) -> int:
    return sum("exception.stacktrace" in (event.attributes or ()) for event in span.events)


_PARTS: dict[str, Callable[[Sequence[ReadableSpan]], int]] = {
    "attributes": _count(lambda span: len(span.attributes or ())),
    "events": _count(lambda span: len(span.events)),
    "stack traces in events": _count(_stacks),
    "links": _count(lambda span: len(span.links)),
    "status": _count(lambda span: not span.status.is_unset),
    "parent": _count(lambda span: span.parent is not None),
    "trace state": _count(lambda span: bool(span.context.trace_state)),
    "several scopes": lambda spans: len({span.instrumentation_scope for span in spans}) - 1,
}
_CONTAINED = {"stack traces in events"}  # in another part already


def _without(span: ReadableSpan, part: str, first: ReadableSpan) -> ReadableSpan:
    """A copy of ``span`` made by the SDK's constructor, less ``part``."""
    fields: dict[str, Any] = {
        "name": span.name,
        "context": span.context,
        "parent": span.parent,
        "resource": span.resource,
        "attributes": _attributes(span.attributes),
        "events": _bounded(span.events),
        "links": _bounded(span.links),
        "kind": span.kind,
        "status": span.status,
        "start_time": span.start_time,
        "end_time": span.end_time,
        "instrumentation_scope": span.instrumentation_scope,
    }
    match part:
        case "attributes":
            fields["attributes"] = _attributes({})
        case "events":
            fields["events"] = _bounded([])
        case "stack traces in events":
            fields["events"] = _bounded([_without_stack(event) for event in span.events])
        case "links":
            fields["links"] = _bounded([])
        case "status":
            fields["status"] = _UNSET
        case "parent":
            fields["parent"] = None
        case "trace state":
            old = span.context
            fields["context"] = SpanContext(old.trace_id, old.span_id, old.is_remote, old.trace_flags)
        case "several scopes":
            fields["instrumentation_scope"] = first.instrumentation_scope
    return ReadableSpan(**fields)


_UNSET = Status()  # one for all, as the SDK has it


def _attributes(values: Any) -> BoundedAttributes:
    return BoundedAttributes(_LIMIT, dict(values), immutable=False)


def _bounded(items: Sequence[Any]) -> BoundedList[Any]:
    bounded: BoundedList[Any] = BoundedList(_LIMIT)
    bounded.extend(items)
    return bounded


def _without_stack(event: Event) -> Event:
    kept = {key: value for key, value in (event.attributes or {}).items() if key != "exception.stacktrace"}
    return Event(event.name, _attributes(kept), event.timestamp)
