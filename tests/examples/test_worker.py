"""examples/worker: tasks that are retried, scheduled and handed over by a SIGTERM are all done, and no span is lost."""

from collections import Counter

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from spanwire.sink import ReceivedSpan, Sink, TraceNode
from tests.books import check_once
from tests.examples.conftest import Start, books

pytestmark = [pytest.mark.full, pytest.mark.examples]

PICTURES = 24


def service(span: ReceivedSpan) -> str:
    return str(span.resource_attributes["service.name"])


def paths(nodes: list[TraceNode], above: tuple[ReceivedSpan, ...] = ()) -> list[list[ReceivedSpan]]:
    """From the root to each end. There is one, but where the broker has delivered a message again.

    That is Celery's promise, at least once: what a worker has done and not acknowledged when it ends is done again.
    """
    if not nodes:
        return [list(above)]
    again = ["'redelivered': True" in str(node.span.attributes.get("celery.delivery_info")) for node in nodes]
    assert len(nodes) - sum(again) <= 1, nodes
    assert len({(node.span.name, node.span.attributes.get("messaging.message.id")) for node in nodes}) == 1
    return [path for node in nodes for path in paths(node.children, (*above, node.span))]


def steps(spans: list[ReceivedSpan]) -> list[tuple[str, str, str]]:
    return [(service(span), SpanKind(span.kind).name, span.name) for span in spans]


def sent(task: str, by: str) -> list[tuple[str, str, str]]:
    return [(by, "PRODUCER", f"apply_async/{task}"), ("worker", "CONSUMER", f"run/{task}")]


def check_picture(spans: list[ReceivedSpan]) -> int:
    """One picture's trace, from its upload on."""
    picture = int(str(spans[0].attributes["gallery.picture"]))
    is_retried, is_empty = picture % 4 == 0, picture % 10 == 0
    again = sent("resize", "worker") if is_retried else []
    assert steps(spans) == [
        ("upload", "INTERNAL", "upload"),
        *sent("resize", "upload"),
        *again,
        *sent("publish", "worker"),
    ]
    for producer, consumer in zip(spans[1::2], spans[2::2], strict=True):
        assert producer.attributes["messaging.message.id"] == consumer.attributes["messaging.message.id"]
    reasons = [
        str(span.attributes["celery.retry.reason"]) for span in spans if "celery.retry.reason" in span.attributes
    ]
    assert len(reasons) == is_retried and all(f"picture {picture} is locked" in reason for reason in reasons)
    failed = [span for span in spans if span.status.code is StatusCode.ERROR]
    assert failed == (spans[-1:] if is_empty else [])
    for span in failed:
        assert span.status.message == f"picture {picture} is empty"
        assert [event.attributes["exception.type"] for event in span.events] == ["ValueError"]
    return picture


def test_a_worker_that_is_replaced_loses_no_task_and_no_span(start: Start) -> None:
    with Sink() as sink:
        output = start(
            *("-m", "examples.worker", "--pictures", str(PICTURES)),
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint,
            OTEL_BSP_SCHEDULE_DELAY="3600000",  # what is not sent when a process ends is not sent at all
        ).finish()
    assert "kill -TERM" in output and f"{PICTURES} of {PICTURES} pictures are done" in output
    check_once(sink.spans())
    traces = [paths(trace.roots) for trace in sink.traces()]
    pictures = [{check_picture(spans) for spans in found} for found in traces if found[0][0].name == "upload"]
    assert sorted(pictures, key=min) == [{picture} for picture in range(1, PICTURES + 1)]

    swept = [steps(spans) for found in traces for spans in found if spans[0].name != "upload"]
    assert sent("sweep", "beat") in swept
    # The last ones nobody may have taken; and beat may have been told to end while it sent one, before the span was finished.
    rest = Counter(map(tuple, swept)) - Counter({tuple(sent("sweep", "beat")): len(swept)})
    assert rest.pop(tuple(sent("sweep", "beat")[1:]), 0) <= 1
    assert rest.keys() <= {tuple(sent("sweep", "beat")[:1])}

    versions = Counter(
        span.resource_attributes["service.version"] for span in sink.spans() if service(span) == "worker"
    )
    assert set(versions) == {"1", "2"}
    arrived = Counter(service(span) for span in sink.spans())
    for name, entry in books(output).items():
        assert (entry["exported"], entry["queued"], entry["dropped"]) == (entry["accepted"], 0, 0)
        assert entry["late"] == 0  # each process's flush said that it is done; how long Celery takes to end is not ours
        assert entry["exported"] == arrived.pop(name)
    assert not arrived
