"""``_native.FrameQueue``: finished spans in, requests out, every one counted."""

import threading
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

import spanwire
from spanwire._facade.tracing import keep, take_frames
from spanwire._native import FrameQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink

LIMITLESS = (1 << 63) - 1


def finished(name: str = "span", *, scope: str = "tests", service: str = "shop") -> ReadableSpan:
    provider = TracerProvider(resource=Resource({"service.name": service}), shutdown_on_exit=False)
    span = provider.get_tracer(scope).start_span(name)
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


def names(request: bytes) -> list[tuple[str, str, list[str]]]:
    """Service, scope and names of spans of each group."""
    message = ExportTraceServiceRequest.FromString(request)
    return [
        (resource.resource.attributes[0].value.string_value, scope.scope.name, [span.name for span in scope.spans])
        for resource in message.resource_spans
        for scope in resource.scope_spans
    ]


def balanced(queue: FrameQueue) -> dict[str, int]:
    counts = queue.counts()
    assert counts["accepted"] == sum(count for what, count in counts.items() if what != "accepted")
    assert counts["queued"] == len(queue)
    assert counts.pop("unstored") == counts.pop("expired") == counts.pop("damaged") == 0  # it is in memory
    return counts


@pytest.mark.parametrize("w3c_flags", [False, True])
def test_a_batch_equals_encode_spans_of_the_same_spans(w3c_flags: bool) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    spans: list[ReadableSpan] = []
    for number in range(50):
        span = provider.get_tracer(f"scope {number % 3}", "1", "https://schema").start_span(f"span {number}")
        span.set_attribute("number", number)
        span.end()
        assert isinstance(span, ReadableSpan)
        spans.append(span)
    queue = FrameQueue()
    for one in spans:
        assert queue.push(one, w3c_flags) is False
    assert queue.take(100, LIMITLESS) == (spanwire.encode_spans(spans, w3c_flags=w3c_flags), 50)


def test_groups_come_in_order_of_first_appearance_and_equal_ones_together() -> None:
    queue = FrameQueue()
    for name, scope, service in [tuple(text) for text in ("ax1", "bx1", "ay2", "ax1", "bx1", "az1")]:
        queue.push(finished(name, scope=scope, service=service), False)
    batch = queue.take(10, LIMITLESS)
    assert batch is not None
    assert names(batch[0]) == [("1", "x", ["a", "b", "a", "b"]), ("1", "z", ["a"]), ("2", "y", ["a"])]


def test_a_batch_has_the_oldest_spans_within_both_limits() -> None:
    queue = FrameQueue()
    for number in range(10):
        queue.push(finished(str(number)), False)
    first = queue.take(3, LIMITLESS)
    assert first is not None and names(first[0])[0][2] == ["0", "1", "2"]
    second = queue.take(10, len(first[0]) + 50)  # less than one more span
    assert second is not None and names(second[0])[0][2] == ["3", "4", "5"]
    assert len(second[0]) <= len(first[0]) + 50
    alone = queue.take(10, 1)  # one is always given
    assert alone is not None and alone[1] == 1
    assert balanced(queue)["taken"] == 7


def test_a_bound_in_spans_drops_exactly_the_oldest() -> None:
    queue = FrameQueue(max_spans=3)
    for number in range(10):
        queue.push(finished(str(number)), False)
    assert balanced(queue) == {"accepted": 10, "taken": 0, "queued": 3, "full": 7, "closed": 0}
    assert queue.take_dropped() == (7, 0)
    assert queue.take_dropped() == (0, 0)
    batch = queue.take(10, LIMITLESS)
    assert batch is not None and names(batch[0])[0][2] == ["7", "8", "9"]
    assert queue.take(10, LIMITLESS) is None


def test_a_bound_in_bytes_is_kept_and_the_newest_stay() -> None:
    queue = FrameQueue(max_bytes=10_000)
    for number in range(1000):
        queue.push(finished(f"{number:03}"), False)
        assert queue.frame_bytes <= 10_000
    counts = balanced(queue)
    assert counts["full"] > 0 and counts["queued"] > 50
    batch = queue.take(1000, LIMITLESS)
    assert batch is not None and names(batch[0])[0][2][-1] == "999"


def test_a_closed_queue_counts_what_comes_and_asks_to_be_attended_to() -> None:
    queue = FrameQueue()
    queue.push(finished(), False)
    queue.close()
    assert queue.push(finished(), False) is True
    assert queue.discard() == 1
    assert balanced(queue) == {"accepted": 2, "taken": 0, "queued": 0, "full": 0, "closed": 2}


def test_what_cannot_be_encoded_is_left_out_and_not_counted_here() -> None:
    queue = FrameQueue()
    assert queue.push(object(), False) is False
    assert queue.counts()["accepted"] == 0


def test_a_request_holds_no_objects() -> None:
    queue = FrameQueue()
    for number in range(300):
        queue.push(finished(str(number)), False)
        keep(queue, finished("an object"))
    batch = queue.take(1000, LIMITLESS)
    assert batch is not None
    assert names(batch[0]) == [("shop", "tests", [str(number) for number in range(300)])]
    assert batch[1] == 300
    assert balanced(queue) == {"accepted": 600, "taken": 600, "queued": 0, "full": 0, "closed": 0}


def test_an_object_counts_in_the_bound_in_bytes() -> None:
    queue = FrameQueue(max_bytes=64 << 10)
    for number in range(1000):
        keep(queue, finished(f"{number:03}"))
        assert queue.frame_bytes <= 64 << 10
    spans = [span.name for span in take_frames(queue, 1000)]
    assert spans == [f"{number:03}" for number in range(1000 - len(spans), 1000)]
    assert 40 < len(spans) < 64
    assert balanced(queue)["full"] == 1000 - len(spans)


def test_a_queue_that_refuses_keeps_its_oldest_objects() -> None:
    queue = FrameQueue(max_spans=3)
    queue.set_policy("drop_newest", 0)
    for number in range(10):
        keep(queue, finished(str(number)))
    assert [span.name for span in take_frames(queue, 10)] == ["0", "1", "2"]
    keep(queue, finished("10"))
    queue.close()
    keep(queue, finished("11"))
    assert balanced(queue) == {"accepted": 12, "taken": 3, "queued": 1, "full": 7, "closed": 1}
    assert [span.name for span in take_frames(queue, 10)] == ["10"]


def test_waiting_for_spans_to_be_done_ends_when_they_are() -> None:
    queue = FrameQueue()
    queue.push(finished(), False)
    assert queue.wait_done(1, 0) is False
    waiting, results = threading.Event(), []

    def wait() -> None:
        waiting.set()
        results.append(queue.wait_done(1, 60))

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    assert queue.take(1, LIMITLESS) is not None
    queue.set_done(queue.gone)
    thread.join(30)
    assert results == [True]


def test_a_waiting_reader_is_woken_when_enough_waits() -> None:
    queue = FrameQueue()
    queue.want_reader()
    assert queue.begin_reader() and not queue.begin_reader()
    begun = time.monotonic()
    woken = threading.Event()

    def read() -> None:
        while len(queue) < 2:
            queue.wait(2, LIMITLESS, 60)
        woken.set()

    threading.Thread(target=read, daemon=True).start()
    for _ in range(2):
        queue.push(finished(), False)
    assert woken.wait(30)
    assert time.monotonic() - begun < 60  # a hang guard


def test_a_request_is_exported_once() -> None:
    queue = FrameQueue()
    for number in range(3):
        queue.push(finished(f"span {number}"), w3c_flags=True)
    with Sink() as sink:
        exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint)
        request = queue.take_request(2, LIMITLESS)
        assert request is not None
        assert (request.spans, len(queue)) == (2, 1)
        assert exporter._client.export_request(request).lost is None
        assert exporter._client.export_request(request).lost is None
        assert sink.span_count == 2
        exporter.shutdown()
    assert queue.take_request(2, LIMITLESS) is not None
    assert queue.take_request(2, LIMITLESS) is None


def test_what_has_left_is_told_once() -> None:
    queue = FrameQueue(max_spans=3)
    for _ in range(5):
        queue.push(finished(), w3c_flags=True)
    assert queue.take(1, LIMITLESS) is not None
    assert queue.take_counts() == (1, 2, 0)
    queue.close()
    queue.push(finished(), w3c_flags=True)
    assert queue.discard() == 2
    assert queue.take_dropped() == (2, 3)  # of which it knows nothing
    assert queue.take_counts() == (0, 0, 3)
    assert queue.take_counts() == (0, 0, 0)


def test_spans_that_are_refused_do_not_count_as_gone() -> None:
    """Else a flush would be over while spans that came before them still wait."""
    queue = FrameQueue()
    for _ in range(3):
        queue.push(finished(), w3c_flags=True)
    queue.close()
    for _ in range(5):
        queue.push(finished(), w3c_flags=True)
    assert (balanced(queue)["accepted"], queue.entered, queue.gone) == (8, 3, 0)
    assert queue.take(2, LIMITLESS) is not None
    assert (queue.entered, queue.gone) == (3, 2)
    queue.discard()
    assert (balanced(queue)["closed"], queue.entered, queue.gone) == (6, 3, 3)
