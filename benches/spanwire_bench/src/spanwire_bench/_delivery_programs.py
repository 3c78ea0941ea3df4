"""The programs that ``spanwire bench export`` runs: what a user writes, for the OpenTelemetry API and for ddtrace's own.

A *step* makes a few spans and gives their number, so that whoever runs it can pace it without being seen in the figures.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from spanwire_bench import _trace_loops
from spanwire_bench._workloads import recording

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = ["SERVICE", "STEP_SPANS", "Step", "of_api", "of_ddtrace"]

Step = Callable[[], int]
GetTracer = Callable[..., "Tracer"]

STEP_SPANS = 64  # at most
SCOPE = ("bench", "1.0")
SERVICE = "bench"


def of_api(workload: str, get_tracer: GetTracer) -> Step:
    """Through the OpenTelemetry API. A workload that is a file of JSON is a recording to replay, in the form of WR's."""
    if workload == "WR":
        return _Replay(get_tracer, recording()["traces"]).step
    if workload.endswith(".json"):
        return _Replay(get_tracer, json.loads(pathlib.Path(workload).read_text(encoding="utf-8"))["traces"]).step
    loop = {"W5": _trace_loops.w5, "W10": _trace_loops.w10}[workload]
    tracer = get_tracer(*SCOPE)

    def step() -> int:
        loop(tracer, STEP_SPANS)
        return STEP_SPANS

    return step


def of_ddtrace(workload: str, tracer: Any) -> Step:
    """W5 or W10 through ddtrace's own API, which costs less than its OpenTelemetry API."""
    loop = {"W5": _ddtrace_w5, "W10": _ddtrace_w10}[workload]

    def step() -> int:
        loop(tracer, STEP_SPANS)
        return STEP_SPANS

    return step


def _ddtrace_w5(tracer: Any, count: int) -> None:
    for _ in repeat(None, count):
        with tracer.trace("GET /users/{id}", span_type="web") as span:
            span.set_tag("span.kind", "server")
            span.set_tag("http.request.method", "GET")
            span.set_tag("url.path", "/users/42")
            span.set_tag("http.response.status_code", 200)
            span.set_tag("server.load", 0.42)
            span.set_tag("cache.hit", True)


def _ddtrace_w10(tracer: Any, count: int) -> None:
    for _ in repeat(None, count):
        with tracer.trace("benchmark.span.name") as span:
            span.set_tag("benchmark.attr.key.0", "benchmark.value.00.0")
            span.set_tag("benchmark.attr.key.1", "benchmark.value.00.1")
            span.set_tag("benchmark.attr.key.2", "benchmark.value.00.2")
            span.set_tag("benchmark.attr.key.3", "benchmark.value.00.3")
            span.set_tag("benchmark.attr.key.4", "benchmark.value.00.4")
            span.set_tag("benchmark.attr.key.5", "benchmark.value.00.5")
            span.set_tag("benchmark.attr.key.6", "benchmark.value.00.6")
            span.set_tag("benchmark.attr.key.7", "benchmark.value.00.7")
            span.set_tag("benchmark.attr.key.8", "benchmark.value.00.8")
            span.set_tag("benchmark.attr.key.9", "benchmark.value.00.9")


@dataclass(slots=True)
class _Planned:
    """A span of the recording, ready to be made again."""

    tracer: Tracer
    name: str
    kind: SpanKind
    attributes: Mapping[str, Any]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    status: Status | None
    parent: Context | None  # None: whatever span is current
    links: Sequence[tuple[_Planned, Mapping[str, Any]]] = ()
    children: list[_Planned] = field(default_factory=list)
    is_linked_to: bool = False
    made: SpanContext | None = None

    def make(self) -> None:
        links = [Link(cause.made, attributes) for cause, attributes in self.links if cause.made is not None]
        with self.tracer.start_as_current_span(
            self.name,
            context=self.parent,
            kind=self.kind,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            span.set_attributes(self.attributes)
            for child in self.children:
                child.make()
            for name, attributes in self.events:
                span.add_event(name, attributes)
            if self.status is not None:
                span.set_status(self.status)
            if self.is_linked_to:
                self.made = span.get_span_context()


class _Replay:
    """All traces of a recording, one after the other, each span current while those below it are made.

    Times are those of now, and what instrumentations do beside making spans (looking at a request, say) is not done.
    """

    def __init__(self, get_tracer: GetTracer, recorded: Sequence[Mapping[str, Any]]) -> None:
        tracers: dict[tuple[str, ...], Tracer] = {}
        self._roots: list[_Planned] = []
        self._spans = 0
        traces: list[list[_Planned]] = []
        for templates in (one["spans"] for one in recorded):
            planned = []
            for template in templates:
                scope = tuple(template["scope"])
                tracer = tracers.setdefault(scope, get_tracer(*scope))
                planned.append(_planned(template, tracer))
            for one, template in zip(planned, templates, strict=True):
                if "parent" in template:
                    planned[template["parent"]].children.append(one)
                else:
                    self._roots.append(one)
            traces.append(planned)
            self._spans += len(planned)
        for planned, trace_recorded in zip(traces, recorded, strict=True):
            for one, template in zip(planned, trace_recorded["spans"], strict=True):
                one.links = [
                    (traces[place][index], attributes) for place, index, attributes in template.get("links", ())
                ]
                for cause, _ in one.links:
                    cause.is_linked_to = True

    def step(self) -> int:
        for root in self._roots:
            root.make()
        return self._spans


def _planned(template: Mapping[str, Any], tracer: Tracer) -> _Planned:
    parent = None
    if "remote_parent" in template:
        parent = trace.set_span_in_context(_remote(template["remote_parent"]), Context())
    elif "parent" not in template:
        parent = Context()
    status = None
    if "status" in template:
        code, description = template["status"]
        status = Status(StatusCode[code], description)
    return _Planned(
        tracer,
        template["name"],
        SpanKind[template["kind"]],
        template["attributes"],
        [(name, attributes) for name, _, attributes in template.get("events", ())],
        status,
        parent,
    )


def _remote(trace_state: str) -> trace.NonRecordingSpan:
    return trace.NonRecordingSpan(
        SpanContext(
            trace_id=0x0AF7651916CD43DD8448EB211C80319C,
            span_id=0xB7AD6B7169203331,
            is_remote=True,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
            trace_state=TraceState.from_header([trace_state]) if trace_state else None,
        )
    )
