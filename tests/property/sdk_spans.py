"""hypothesis strategies for spans that the real SDK made: a small program is drawn and run against a TracerProvider."""

import functools
import random
from typing import Any

from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, StatusCode, TraceState

from tests.official import quiet
from tests.property.parts import (
    below,
    chance,
    kinds,
    optional,
    pick,
    pool,
    resources,
    scopes,
    span_contexts,
    times,
    trace_states,
)
from tests.property.values import attributes, names, texts

__all__ = ["Collected", "sdk_batches"]

MAX_DEPTH = 2

_codes = st.sampled_from([StatusCode.OK, StatusCode.ERROR, StatusCode.ERROR])


class Collected(SpanProcessor):
    """Keeps what the SDK hands to exporters."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class SeededIds(IdGenerator):
    """Ids that a failing example reproduces; one in eight is short, as a poor generator's would be."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def _bits(self, width: int) -> int:
        return self._random.getrandbits(width if self._random.random() < 0.875 else 20) or 1

    def generate_span_id(self) -> int:
        return self._bits(64)

    def generate_trace_id(self) -> int:
        return self._bits(128)


class StatefulSampler(Sampler):
    """Samples everything, adding attributes; its trace state, else the parent's, becomes the span's."""

    def __init__(self, added: dict[str, Any] | None, state: TraceState | None) -> None:
        self._added = added or {}
        self._state = state

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        state = self._state or trace.get_current_span(parent_context).get_span_context().trace_state
        return SamplingResult(Decision.RECORD_AND_SAMPLE, {**(attributes or {}), **self._added}, state)

    def get_description(self) -> str:
        return "StatefulSampler"


@functools.cache
def _span_limits() -> st.SearchStrategy[SpanLimits]:
    small = st.sampled_from([0, 1, 2, 3, SpanLimits.UNSET])
    tight = st.builds(
        SpanLimits,
        max_events=st.sampled_from([0, 0, 1, 2]),
        max_links=st.sampled_from([0, 0, 1, 2]),
        max_span_attributes=small,
        max_event_attributes=small,
        max_link_attributes=small,
        max_span_attribute_length=st.sampled_from([0, 1, 5, SpanLimits.UNSET]),
        max_attribute_length=st.sampled_from([0, 3, SpanLimits.UNSET]),
    )
    return st.one_of(st.just(SpanLimits()), tight)


def _draw_links(draw: st.DrawFn) -> list[Link]:
    return [Link(draw(span_contexts()), draw(optional(attributes(2)))) for _ in range(1 + draw(below(3)))]


def _run_span(draw: st.DrawFn, tracer: Tracer, depth: int = 0) -> None:
    """Live through one span as an application does: start, attributes, children, events, links, an error, end."""
    context = None  # the enclosing span's
    if depth == 0:
        remote = draw(chance(30))
        context = trace.set_span_in_context(NonRecordingSpan(draw(span_contexts())) if remote else trace.INVALID_SPAN)
    span = tracer.start_span(
        draw(names()),
        context=context,
        kind=draw(kinds),
        attributes=draw(attributes(4)) if draw(chance(40)) else None,
        links=_draw_links(draw) if draw(chance(20)) else None,
        start_time=draw(times()) if draw(chance(30)) else None,
    )
    with trace.use_span(span, end_on_exit=False):
        for key, value in draw(attributes(6)).items():
            span.set_attribute(key, value)
        if draw(chance(10)):
            span.set_attributes(draw(attributes(4)))
        if depth < MAX_DEPTH and draw(chance(25)):
            _run_span(draw, tracer, depth + 1)
        if draw(chance(25)):
            for _ in range(1 + draw(below(3))):
                span.add_event(draw(names()), draw(attributes(2)), draw(times()) if draw(chance(50)) else None)
        if draw(chance(12)):
            for link in _draw_links(draw):
                span.add_link(link.context, link.attributes)
        if draw(chance(10)):
            span.record_exception(ValueError(draw(texts())), draw(attributes(2)), escaped=draw(chance(50)))
        if draw(chance(30)):
            span.set_status(draw(_codes), draw(optional(texts())))
        if draw(chance(5)):
            span.update_name(draw(names()))
    span.end(draw(times()) if draw(chance(30)) else None)


@st.composite
def sdk_batches(draw: st.DrawFn, max_traces: int = 8) -> list[ReadableSpan]:
    """Spans as a TracerProvider delivers them to a processor; several providers, tracers and limits in one batch."""
    collected = Collected()
    with quiet():
        tracers: list[Any] = []
        for resource in pool(draw, resources(), 2):
            sampler = StatefulSampler(draw(optional(attributes(2))), draw(trace_states()) if draw(chance(30)) else None)
            ids = SeededIds(draw(below(2**32)))
            provider = TracerProvider(
                sampler, resource, shutdown_on_exit=False, id_generator=ids, span_limits=draw(_span_limits())
            )
            provider.add_span_processor(collected)
            for scope in pool(draw, scopes(), 2):
                tracers.append(
                    provider.get_tracer(scope.name or "unnamed", scope.version, scope.schema_url, scope.attributes)
                )
        for _ in range(draw(below(max_traces + 1))):
            _run_span(draw, pick(draw, tracers))
    return collected.spans
