"""What the demo takes of a run to measure the ways with: whole traces, as they were."""

from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from spanwire.cli._measure._recording import MOST_SPANS, record
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink, Trace


def received(make: Callable[[Tracer], None]) -> list[Trace]:
    with Sink() as sink:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=sink.traces_endpoint)))
        make(provider.get_tracer("shop", "1"))
        provider.shutdown()
        return sink.traces()


def test_a_trace_is_recorded_with_its_tree_events_links_and_state() -> None:
    def make(tracer: Tracer) -> None:
        start = tracer.start_span
        root = start("root", kind=SpanKind.SERVER, attributes={"n": 1, "many": ["a", "b"]})
        child = start("child", context=set_span_in_context(root), links=[Link(root.get_span_context(), {"why": "x"})])
        child.add_event("seen", {"k": True})
        child.set_status(Status(StatusCode.ERROR, "bad"))
        child.end()
        root.end()

    (one,) = record(received(make))
    root, child = one["spans"]
    assert root == {
        "name": "root",
        "kind": "SERVER",
        "scope": ["shop", "1"],
        "attributes": {"n": 1, "many": ("a", "b")},
        "events": [],
        "links": [],
    }
    assert (child["parent"], child["status"]) == (0, ["ERROR", "bad"])
    assert child["events"] == [["seen", {"k": True}]]
    assert child["links"] == [[0, 0, {"why": "x"}]]


def test_only_whole_traces_are_taken_and_no_more_than_a_step() -> None:
    def make(tracer: Tracer) -> None:
        start = tracer.start_span
        never_ended = start("open")
        start("orphan", context=set_span_in_context(never_ended)).end()
        for number in range(3 * MOST_SPANS):
            start(f"root {number}").end()

    recorded = record(received(make))
    assert 0 < sum(len(one["spans"]) for one in recorded) <= MOST_SPANS
    assert "orphan" not in {span["name"] for one in recorded for span in one["spans"]}
