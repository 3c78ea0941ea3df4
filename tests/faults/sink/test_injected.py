"""Each fault that a test can order, seen from the client's side of the socket."""

import http.client
import json
import socket
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spanwire.sink import Disconnect, Fault, Sink
from tests.post import JSON, PROTOBUF, post, read_to_end, request, until


def raw_exchange(sink: Sink, body: bytes) -> socket.socket:
    """A connection on which a whole request was sent."""
    client = socket.create_connection(("127.0.0.1", sink.port), timeout=20)
    head = f"POST /v1/traces HTTP/1.1\r\nHost: sink\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
    return client


@pytest.mark.parametrize(
    "status, code",
    [(400, 3), (401, 16), (403, 7), (404, 12), (413, 8), (429, 8), (500, 13), (502, 14), (503, 14), (504, 4), (418, 2)],
)
def test_status_comes_with_a_status_message_and_the_request_is_not_kept(
    otlp_sink: Sink, status: int, code: int
) -> None:
    otlp_sink.inject(status=status, message="not today", times=2)
    answer = post(otlp_sink)
    assert (answer.status, answer.message) == (status, "not today")
    answer = post(otlp_sink, b"{}", content_type=JSON)
    assert json.loads(answer.body) == {"code": code, "message": "not today"}
    assert (otlp_sink.span_count, otlp_sink.request_count, otlp_sink.attempt_count) == (0, 0, 2)
    assert post(otlp_sink).status == 200


def test_retry_after_is_seconds_or_a_date(otlp_sink: Sink) -> None:
    when = datetime(2026, 11, 24, 15, 0, 7, tzinfo=timezone(timedelta(hours=2)))
    otlp_sink.schedule([Fault(status=503, retry_after=2), Fault(status=429, retry_after=when)])
    assert post(otlp_sink).headers["retry-after"] == "2"
    assert post(otlp_sink).headers["retry-after"] == "Tue, 24 Nov 2026 13:00:07 GMT"


def test_delay_is_before_the_answer_and_others_go_on_meanwhile(otlp_sink: Sink) -> None:
    otlp_sink.inject(delay=0.3)
    start = time.monotonic()
    client = raw_exchange(otlp_sink, request())
    until(lambda: otlp_sink.attempt_count == 1)
    assert post(otlp_sink).status == 200
    assert b" 200 " in client.recv(1000)
    assert time.monotonic() - start >= 0.3
    client.close()
    assert otlp_sink.span_count == 2


def test_client_that_gives_up_during_a_delay_is_not_counted(otlp_sink: Sink) -> None:
    otlp_sink.inject(delay=3)
    client = raw_exchange(otlp_sink, request(7))
    until(lambda: otlp_sink.attempt_count == 1)
    client.close()
    with pytest.raises(TimeoutError):
        otlp_sink.wait_for(1, timeout=3.5)


def test_reset_is_a_reset(otlp_sink: Sink) -> None:
    otlp_sink.inject(disconnect="reset")
    client = raw_exchange(otlp_sink, request())
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    client.close()
    assert otlp_sink.span_count == 0


def test_close_is_an_orderly_end_without_an_answer(otlp_sink: Sink) -> None:
    otlp_sink.inject(disconnect="close")
    with raw_exchange(otlp_sink, request()) as client:
        assert read_to_end(client) == b""


def test_half_closed_connection_still_takes_bytes(otlp_sink: Sink) -> None:
    otlp_sink.inject(disconnect="half-close")
    with raw_exchange(otlp_sink, request()) as client:
        assert read_to_end(client) == b""
        # Had both directions been closed, the first of these would be answered by a reset.
        for _ in range(3):
            client.sendall(b"more")
        client.settimeout(0.1)
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    "fault, least", [(Fault(disconnect="truncate"), 0), (Fault(disconnect="truncate", body_size=9000), 4500)]
)
def test_truncated_answer_is_shorter_than_promised(otlp_sink: Sink, fault: Fault, least: int) -> None:
    otlp_sink.inject(fault)
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(otlp_sink)
    assert len(caught.value.partial) == least
    assert caught.value.expected is not None
    assert caught.value.expected > 0
    assert otlp_sink.span_count == 0


def test_lost_acknowledgement_is_counted_when_ordered(otlp_sink: Sink) -> None:
    kinds: list[Disconnect] = ["reset", "close", "truncate"]
    otlp_sink.schedule([Fault(disconnect=kind, keep=True) for kind in kinds])
    for _ in kinds:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            post(otlp_sink, request(2))
    assert (otlp_sink.span_count, otlp_sink.request_count) == (6, 3)


def test_partial_success_counts_what_was_not_rejected(otlp_sink: Sink) -> None:
    otlp_sink.inject(rejected=2, message="too old", times=2)
    answer = post(otlp_sink, request(5))
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_spans, partial.error_message) == (200, 2, "too old")
    answer = post(otlp_sink, b'{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}', content_type=JSON)
    assert json.loads(answer.body) == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}}
    assert otlp_sink.span_count == 3
    assert [span.name for span in otlp_sink.spans()] == ["span 0", "span 1", "span 2"]
    assert [(received.span_count, received.rejected_count) for received in otlp_sink.requests()] == [(3, 2), (0, 1)]


def test_warning_is_a_partial_success_that_rejects_nothing(otlp_sink: Sink) -> None:
    otlp_sink.inject(message="use gzip")
    answer = post(otlp_sink)
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (partial.rejected_spans, partial.error_message) == (0, "use gzip")
    assert otlp_sink.span_count == 1


def test_garbage_body_is_sent_as_it_is(otlp_sink: Sink) -> None:
    otlp_sink.inject(body=b"\xff<html>", status=502)
    answer = post(otlp_sink)
    assert (answer.status, answer.body) == (502, b"\xff<html>")


def test_oversized_answer_has_the_size_asked_for(otlp_sink: Sink) -> None:
    otlp_sink.inject(body_size=5_000_000)
    assert len(post(otlp_sink).body) == 5_000_000


def test_slow_answer_comes_in_pieces(otlp_sink: Sink) -> None:
    otlp_sink.inject(body=b"0123456789", chunk_size=4, chunk_delay=0.05)
    start = time.monotonic()
    assert post(otlp_sink).body == b"0123456789"
    assert time.monotonic() - start >= 0.15


def test_schedule_is_followed_step_by_step(otlp_sink: Sink) -> None:
    otlp_sink.inject(status=503, times=2)
    otlp_sink.schedule([None, Fault(status=429)])
    assert otlp_sink.pending_faults == 4
    assert [post(otlp_sink).status for _ in range(5)] == [503, 503, 200, 429, 200]
    assert otlp_sink.pending_faults == 0


def test_endless_fault_lasts_until_cleared(otlp_sink: Sink) -> None:
    otlp_sink.inject(status=503, times=None)
    assert otlp_sink.pending_faults is None
    assert {post(otlp_sink).status for _ in range(20)} == {503}
    otlp_sink.clear_faults()
    assert post(otlp_sink).status == 200


def test_malformed_request_is_never_acknowledged_by_a_fault(otlp_sink: Sink) -> None:
    otlp_sink.schedule([Fault(delay=0.001), Fault(status=204), Fault(keep=True, status=503)])
    assert [post(otlp_sink, b"\xff").status for _ in range(3)] == [400] * 3
    assert otlp_sink.request_count == 0


def test_concurrent_requests_share_one_schedule(otlp_sink: Sink) -> None:
    otlp_sink.inject(status=503, times=10)
    answers: list[int] = []
    senders = [threading.Thread(target=lambda: answers.append(post(otlp_sink).status)) for _ in range(20)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(answers) == [200] * 10 + [503] * 10
    assert otlp_sink.span_count == 10
