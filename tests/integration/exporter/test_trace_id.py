"""Several endpoints, each with its own traces."""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags, set_span_in_context

import spanwire
from spanwire.exporter import grpc, json
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.resources import Resource
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.ports import free_port

KINDS: list[tuple[Any, str]] = [
    (OTLPSpanExporter, "traces_endpoint"),
    (json.OTLPSpanExporter, "traces_endpoint"),
    (grpc.OTLPSpanExporter, "grpc_endpoint"),
]
TRACES, SPANS = 1000, 10


class Program:
    """A provider that sends to several sinks."""

    def __init__(self, kind: tuple[Any, str], sinks: Sequence[Sink], **keywords: Any) -> None:
        exporter, endpoint = kind
        self.endpoints = [getattr(sink, endpoint) for sink in sinks]
        self.exporter = exporter(endpoints=self.endpoints, balance="trace_id", **keywords)
        self.provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(self.exporter, schedule_delay_millis=20))

    def make(self, traces: range) -> None:
        """Traces of ten spans, of two scopes, whose spans end between each other's."""
        tracers = [self.provider.get_tracer(name) for name in ("one", "two")]
        roots = [tracers[0].start_span(f"{number}.0") for number in traces]
        for at in range(1, SPANS):
            for number, root in zip(traces, roots, strict=True):
                context = set_span_in_context(root)
                tracers[at % 2].start_span(f"{number}.{at}", context=context).end()
        for root in roots:
            root.end()

    def account(self) -> dict[str, Any]:
        found: dict[str, Any] = spanwire.stats()["traces"][self.exporter._client.destination]
        return found


def names(sinks: Sequence[Sink]) -> Counter[str]:
    return Counter(span.name for sink in sinks for span in sink.spans())


def expected(traces: range) -> Counter[str]:
    return Counter(f"{number}.{at}" for number in traces for at in range(SPANS))


def where(sinks: Sequence[Sink]) -> dict[str, set[int]]:
    """By trace, at which sinks it is."""
    found: dict[str, set[int]] = defaultdict(set)
    for at, sink in enumerate(sinks):
        for span in sink.spans():
            found[span.trace_id].add(at)
    return found


@pytest.mark.parametrize("kind", KINDS, ids=["http", "json", "grpc"])
def test_each_trace_is_at_one_of_three_whole_and_with_its_groups(kind: tuple[Any, str]) -> None:
    with Sink() as one, Sink() as two, Sink() as three:
        sinks = [one, two, three]
        program = Program(kind, sinks)
        for begin in range(0, TRACES, 100):
            program.make(range(begin, begin + 100))
        assert program.provider.force_flush()
        assert names(sinks) == expected(range(TRACES))
        homes = where(sinks)
        assert len(homes) == TRACES and all(len(at) == 1 for at in homes.values())
        assert all(2_500 < sink.span_count < 4_200 for sink in sinks)
        for sink in sinks:
            for span in sink.spans():
                assert span.resource_attributes["service.name"] == "shop"
                number = int(span.name.partition(".")[2])
                assert span.scope_name == ("one", "two")[number % 2]
        assert (program.account()["exported"], program.account()["dropped"]) == (TRACES * SPANS, {})

        # Another process that names them in another order finds the same homes.
        other = Program(kind, sinks[::-1])
        spans = [span for sink in sinks for span in sink.spans()]
        for sink in sinks:
            sink.clear()
        assert other.exporter.export([_finished(span.trace_id) for span in spans[:300]]) is SpanExportResult.SUCCESS
        assert all(homes[trace] == at for trace, at in where(sinks).items())
        for each in (program, other):
            each.provider.shutdown()
            each.exporter.shutdown()


def _finished(trace_id: str) -> ReadableSpan:
    context = SpanContext(int(trace_id, 16), 1, is_remote=False, trace_flags=TraceFlags(1))
    return ReadableSpan(name="again", context=context, start_time=1, end_time=2)


@pytest.mark.parametrize("kind", KINDS, ids=["http", "json", "grpc"])
def test_one_is_killed_in_the_middle_and_nothing_is_lost(kind: tuple[Any, str]) -> None:
    with Sink() as one, Sink() as two, Sink() as gone:
        sinks = [one, two, gone]
        program = Program(kind, sinks, timeout=10)
        for begin in range(0, TRACES, 100):
            program.make(range(begin, begin + 100))
            if begin == 400:
                gone.close()
        assert program.provider.force_flush(60_000)
        assert set(names(sinks)) == set(expected(range(TRACES)))
        account = program.account()
        assert (account["exported"], account["dropped"]) == (TRACES * SPANS, {})
        assert account["breakers"][program.endpoints[2]] == "open"

        # What begins now is whole at one of the two that are left.
        before = set(where(sinks))
        program.make(range(TRACES, TRACES + 200))
        assert program.provider.force_flush(60_000)
        new = {trace: at for trace, at in where(sinks).items() if trace not in before}
        assert len(new) == 200 and all(len(at) == 1 and at <= {0, 1} for at in new.values())
        program.provider.shutdown()


def test_traces_return_when_their_endpoint_is_back() -> None:
    with Sink() as one, Sink(port=free_port()) as two:
        program = Program(KINDS[0], [one, two])
        port = two.port
        two.close()
        program.make(range(100))
        assert program.provider.force_flush(60_000)
        assert one.span_count == 1_000
        with Sink(port=port) as back:
            end = time.monotonic() + 30
            while back.span_count == 0:
                assert time.monotonic() < end
                program.make(range(1))
                assert program.provider.force_flush()
            for sink in (one, back):
                sink.clear()
            program.make(range(200))
            assert program.provider.force_flush()
            homes = where([one, back])
            assert all(len(at) == 1 for at in homes.values())
            assert one.span_count > 500 and back.span_count > 500
            program.provider.shutdown()


def test_at_a_shutdown_and_in_export_others_are_tried_at_once() -> None:
    with Sink() as gone, Sink() as sink:
        program = Program(KINDS[0], [gone, sink])
        gone.close()
        program.make(range(50))
        program.provider.shutdown()
        assert names([sink]) == expected(range(50))
        spans = [_finished(f"{number:x}") for number in range(1, 101)]
        with Sink() as third:
            exporter = OTLPSpanExporter(
                endpoints=[gone.traces_endpoint, third.traces_endpoint], balance="trace_id", timeout=30
            )
            begin = time.monotonic()
            assert exporter.export(spans) is SpanExportResult.SUCCESS
            assert third.span_count == 100
            assert time.monotonic() - begin < 15  # a hang guard: the timeout is 30 s
            exporter.shutdown()
