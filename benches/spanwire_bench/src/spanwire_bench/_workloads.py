"""The workloads W5, W10 and WR: spans made by the stock SDK, each call anew, as an exporter meets them.

The same name, count and seed give equal spans (ids and times included) in objects of their own, so two encoders can be
given the same work without either having warmed the other's objects. WR replays ``_data/wr.json``, which
``benches/record_wr.py`` recorded.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import random
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider, sampling
from opentelemetry.sdk.trace import Span as SDKSpan
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

__all__ = ["NAMES", "TITLES", "make", "recording"]

TITLES = {
    "W5": "server span, 5 attributes",
    "W10": "span, 10 attributes of 20 characters",
    "WR": "recorded web shop: requests, SQL, clients, errors",
}
NAMES = tuple(TITLES)

_EPOCH_NS = 1_764_000_000_000_000_000  # when the made spans begin
_STEP_NS = 1_000_003  # between the starts of two spans (W5, W10) or traces (WR)
_RESOURCE = {
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.45.2",
    "service.name": "bench-shop",
    "service.version": "2026.11.24",
    "service.instance.id": "6a3f5c1e-0f0c-4f0e-9d55-3e2f6b8a1c47",
}
_W10 = {f"benchmark.attr.key.{n}": f"benchmark.value.00.{n}" for n in range(10)}


def make(name: str, count: int, *, seed: int = 0) -> list[ReadableSpan]:
    """Make ``count`` finished spans of workload ``name``; raises KeyError for a name that is not in NAMES."""
    finished: list[ReadableSpan] = []
    maker = {"W5": _make_w5, "W10": _make_w10, "WR": _make_wr}[name]
    provider = TracerProvider(
        sampler=sampling.ALWAYS_ON,
        resource=_resource(name),
        id_generator=_SeededIds(f"{name}/{seed}"),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(_Collect(finished))
    maker(provider, count)
    del finished[count:]
    return finished


def _make_w5(provider: TracerProvider, count: int) -> None:
    tracer = provider.get_tracer("bench", "1.0")
    for start in _starts(count):
        with tracer.start_as_current_span(
            "GET /users/{id}", kind=SpanKind.SERVER, start_time=start, end_on_exit=False, context=Context()
        ) as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute("url.path", "/users/42")
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("server.load", 0.42)
            span.set_attribute("cache.hit", True)
        span.end(start + 480_001)


def _make_w10(provider: TracerProvider, count: int) -> None:
    tracer = provider.get_tracer("bench", "1.0")
    for start in _starts(count):
        with tracer.start_as_current_span(
            "benchmark.span.name", start_time=start, end_on_exit=False, context=Context()
        ) as span:
            for key, value in _W10.items():
                span.set_attribute(key, value)
        span.end(start + 480_001)


def _make_wr(provider: TracerProvider, count: int) -> None:
    traces = recording()["traces"]
    parts = [json.dumps(one["spans"]) for one in traces]
    ids = provider.id_generator
    made = 0
    started: dict[int, list[SDKSpan]] = {}  # of this round through the recording, for the links
    for number, start in enumerate(_starts(count)):
        if made >= count:
            return
        place = number % len(parts)
        # Parsed each time: values are new objects for each span, keys are shared, as in a real program.
        spans = _replay(provider, ids, json.loads(parts[place], object_hook=_intern_keys), start, started)
        started[place] = spans
        made += len(spans)


def _replay(
    provider: TracerProvider,
    ids: IdGenerator,
    templates: list[dict[str, Any]],
    base_ns: int,
    started: Mapping[int, list[SDKSpan]],
) -> list[SDKSpan]:
    """Start one trace's spans in the order in which they started, and end them in the order in which they ended."""
    spans: dict[int, SDKSpan] = {}
    for index, template in sorted(enumerate(templates), key=lambda pair: (pair[1]["start"], -pair[0])):
        parent = Context()
        if "parent" in template:
            parent = trace.set_span_in_context(spans[template["parent"]], parent)
        elif "remote_parent" in template:
            parent = trace.set_span_in_context(_remote(ids, template["remote_parent"]), parent)
        span = provider.get_tracer(*template["scope"]).start_span(
            template["name"],
            context=parent,
            kind=SpanKind[template["kind"]],
            links=[
                Link(started[place][position].get_span_context(), attributes)
                for place, position, attributes in template.get("links", ())
            ],
            start_time=base_ns + template["start"],
        )
        assert isinstance(span, SDKSpan)
        span.set_attributes(template["attributes"])
        for name, offset, attributes in template.get("events", ()):
            span.add_event(name, attributes, timestamp=base_ns + offset)
        if "status" in template:
            code, description = template["status"]
            span.set_status(Status(StatusCode[code], description))
        spans[index] = span
    for index, template in enumerate(templates):
        spans[index].end(base_ns + template["end"])
    return [spans[index] for index in range(len(templates))]


class _SeededIds(IdGenerator):
    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1

    def is_trace_id_random(self) -> bool:
        return True


class _Collect(SpanProcessor):
    def __init__(self, finished: list[ReadableSpan]) -> None:
        self._finished = finished

    def on_end(self, span: ReadableSpan) -> None:
        self._finished.append(span)


def _starts(count: int) -> Iterator[int]:
    return iter(range(_EPOCH_NS, _EPOCH_NS + count * _STEP_NS, _STEP_NS))


def _remote(ids: IdGenerator, trace_state: str) -> trace.NonRecordingSpan:
    return trace.NonRecordingSpan(
        SpanContext(
            trace_id=ids.generate_trace_id(),
            span_id=ids.generate_span_id(),
            is_remote=True,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
            trace_state=TraceState.from_header([trace_state]) if trace_state else None,
        )
    )


def _intern_keys(attributes: dict[str, Any]) -> dict[str, Any]:
    return {sys.intern(key): value for key, value in attributes.items()}


@functools.cache
def recording() -> dict[str, Any]:
    """What WR replays: ``_data/wr.json``."""
    text = importlib.resources.files("spanwire_bench").joinpath("_data/wr.json").read_text(encoding="utf-8")
    recording: dict[str, Any] = json.loads(text)
    return recording


@functools.cache
def _resource(name: str) -> Resource:
    return Resource(recording()["resource"] if name == "WR" else _RESOURCE)
