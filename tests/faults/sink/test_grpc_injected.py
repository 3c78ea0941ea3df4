"""Each fault that a test can order, met by calls of gRPC; and those of HTTP/2, met by requests of HTTP/1.1."""

import time
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spanwire.sink import Disconnect, Fault, Sink, Stage
from tests.grpc_calls import call, channel, connect, error, exchange, framed
from tests.post import post, read_to_end, request, until

CODES = {code.value[0]: code for code in grpc.StatusCode}


@pytest.mark.parametrize("status", [number for number in CODES if number])
def test_status_comes_as_trailers_only_and_the_request_is_not_kept(otlp_sink: Sink, status: int) -> None:
    otlp_sink.inject(grpc_status=status, message="not today: 100 % ☂", times=2)
    with channel(otlp_sink) as to:
        assert error(to, request()) == (CODES[status], "not today: 100 % ☂")
    got = exchange(otlp_sink, framed(request()))
    assert (got.headers[":status"], got.status, got.body, got.trailers) == ("200", status, b"", {})
    assert (otlp_sink.span_count, otlp_sink.request_count, otlp_sink.attempt_count) == (0, 0, 2)
    assert exchange(otlp_sink, framed(request())).status == 0


def test_status_that_grpc_does_not_know_is_sent_too(otlp_sink: Sink) -> None:
    otlp_sink.inject(grpc_status=12345)
    assert exchange(otlp_sink, framed(request())).status == 12345


@pytest.mark.parametrize("delay", [0, 0.25, 3, 86_400.5])
def test_retry_info_is_in_the_details(otlp_sink: Sink, delay: float) -> None:
    otlp_sink.inject(grpc_status=8, retry_delay=delay, message="later")
    with channel(otlp_sink) as to:
        with pytest.raises(grpc.RpcError) as caught:
            call(to, request())
        details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    status = Status.FromString(details)
    assert (status.code, status.message) == (8, "later")
    info = RetryInfo()
    assert status.details[0].Unpack(info)
    assert info.retry_delay.ToNanoseconds() == int(delay * 1e9)


def test_status_may_stand_behind_a_message(otlp_sink: Sink) -> None:
    otlp_sink.inject(grpc_status=14, body=framed(b""))
    got = exchange(otlp_sink, framed(request()))
    assert (got.body, got.trailers["grpc-status"], "grpc-status" in got.headers) == (framed(b""), "14", False)


@pytest.mark.parametrize("status, code", [(502, "UNAVAILABLE"), (401, "UNAUTHENTICATED"), (404, "UNIMPLEMENTED")])
def test_status_of_http_is_what_a_proxy_answers(otlp_sink: Sink, status: int, code: str) -> None:
    otlp_sink.inject(status=status, times=2)
    with channel(otlp_sink) as to:
        assert error(to, request())[0].name == code
    got = exchange(otlp_sink, framed(request()))
    assert (got.headers[":status"], got.headers["content-type"]) == (str(status), "text/plain; charset=utf-8")
    assert "grpc-status" not in {**got.headers, **got.trailers}
    assert otlp_sink.request_count == 0


def test_partial_success_counts_what_was_not_rejected(otlp_sink: Sink) -> None:
    otlp_sink.inject(rejected=2, message="too old")
    with channel(otlp_sink) as to:
        answer, _ = call(to, request(5))
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert (partial.rejected_spans, partial.error_message) == (2, "too old")
    assert otlp_sink.span_count == 3


def test_delay_is_before_the_answer_and_others_go_on_meanwhile(otlp_sink: Sink) -> None:
    otlp_sink.inject(delay=60)
    with channel(otlp_sink) as to:
        slow = to.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export").future(request())
        until(lambda: otlp_sink.attempt_count == 1)
        call(to, request())
        assert not slow.done()
        slow.cancel()
        otlp_sink.inject(delay=0.5)
        start = time.monotonic()
        call(to, request())
        assert time.monotonic() - start >= 0.5
    assert otlp_sink.span_count == 2


def test_client_whose_deadline_passes_is_not_counted(otlp_sink: Sink) -> None:
    otlp_sink.inject(delay=3)
    with channel(otlp_sink) as to:
        assert error(to, request(7), timeout=0.5)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    with pytest.raises(TimeoutError):
        otlp_sink.wait_for(1, timeout=3.5)


def test_content_type_may_be_wrong(otlp_sink: Sink) -> None:
    otlp_sink.inject(content_type="text/html", times=2)
    assert exchange(otlp_sink, framed(request())).headers["content-type"] == "text/html"
    assert post(otlp_sink).headers["content-type"] == "text/html"


def test_oversized_answer_is_a_message_of_that_size(otlp_sink: Sink) -> None:
    otlp_sink.inject(body_size=5_000_000, times=2)
    with channel(otlp_sink) as to:
        code, text = error(to, request())
        assert (code, "5000000" in text or "4999995" in text) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True), text
        to_all = {"grpc.max_receive_message_length": -1}
        with channel(otlp_sink, options=list(to_all.items())) as unbounded:
            assert len(call(unbounded, request())[0]) == 4_999_995


def test_garbage_body_is_sent_as_it_is(otlp_sink: Sink) -> None:
    otlp_sink.inject(body=b"\xff<html>")
    assert exchange(otlp_sink, framed(request())).body == b"\xff<html>"


def test_slow_answer_comes_in_pieces(otlp_sink: Sink) -> None:
    otlp_sink.inject(message="slowly, slowly", chunk_size=8, chunk_delay=0.05)
    start = time.monotonic()
    with channel(otlp_sink) as to:
        assert b"slowly, slowly" in call(to, request())[0]
    assert time.monotonic() - start >= 0.1


@pytest.mark.parametrize("code", [0, 1, 2, 7, 8, 11])
def test_stream_is_reset_and_the_connection_goes_on(otlp_sink: Sink, code: int) -> None:
    otlp_sink.inject(disconnect="reset-stream", error_code=code)
    got = exchange(otlp_sink, framed(request()))
    assert (got.reset, got.headers, got.closed) == (code, {}, "")
    otlp_sink.inject(disconnect="reset-stream", error_code=7)
    with channel(otlp_sink) as to:
        error(to, request())
        call(to, request())
    assert (otlp_sink.attempt_count, otlp_sink.request_count) == (3, 1)


@pytest.mark.parametrize("stage", ["headers", "body", "answer"])
def test_goaway_takes_no_request_and_the_connection_ends(otlp_sink: Sink, stage: Stage) -> None:
    otlp_sink.inject(disconnect="goaway", error_code=11, stage=stage, message="half")
    got = exchange(otlp_sink, framed(request()), until_closed=True)
    assert (got.goaways, got.closed, got.ended) == ([(0, 11)], "fin", False)
    assert bool(got.headers) == (stage == "answer")
    assert otlp_sink.request_count == 0
    with channel(otlp_sink) as to:
        call(to, request())


@pytest.mark.parametrize("code", [0, 11])
def test_goaway_after_lets_the_request_be_answered(otlp_sink: Sink, code: int) -> None:
    otlp_sink.schedule([None, Fault(disconnect="goaway-after", error_code=code)])
    assert not exchange(otlp_sink, framed(request())).goaways
    got = exchange(otlp_sink, framed(request(3)), until_closed=True)
    # One with the code, where it has one; then hyper's, the last of which names the last stream.
    codes = [code for _, code in got.goaways]
    assert (got.status, codes[0], codes[-1], got.goaways[-1][0], got.closed) == (0, code, 0, 1, "fin")
    assert otlp_sink.span_count == 4


def test_grpcio_goes_on_after_a_goaway(otlp_sink: Sink) -> None:
    otlp_sink.schedule([None, Fault(disconnect="goaway-after"), None, None])
    codes = set()
    with channel(otlp_sink) as to:
        for _ in range(2):
            call(to, request())
        # Until grpcio has seen that the connection ends it puts calls on it, which are told so and never served.
        within = time.monotonic() + 60
        while otlp_sink.span_count < 4 and time.monotonic() < within:
            try:
                call(to, request())
            except grpc.RpcError as refused:
                codes.add(refused.code())
                time.sleep(0.05)
    assert codes <= {grpc.StatusCode.UNAVAILABLE}
    assert (otlp_sink.span_count, otlp_sink.attempt_count) == (4, 4)


@pytest.mark.parametrize("stage", ["headers", "body", "answer"])
@pytest.mark.parametrize("kind, ends", [("close", "fin"), ("reset", "reset"), ("half-close", "fin")])
def test_connection_ends_at_each_stage(otlp_sink: Sink, stage: Stage, kind: Disconnect, ends: str) -> None:
    otlp_sink.inject(disconnect=kind, stage=stage, message="half of this comes")
    got = exchange(otlp_sink, framed(request()), until_closed=True)
    assert (got.closed, got.ended, got.reset) == (ends, False, None)
    assert bool(got.headers) == (stage == "answer") or kind == "reset"
    otlp_sink.inject(disconnect=kind, stage=stage)
    with channel(otlp_sink) as to:
        assert error(to, request())[0] is grpc.StatusCode.UNAVAILABLE
    with channel(otlp_sink) as to:
        call(to, request())
    assert (otlp_sink.attempt_count, otlp_sink.request_count) == (3, 1)


@pytest.mark.parametrize("kind, ends", [("close", b""), ("reset", None), ("half-close", b"")])
def test_connection_may_end_as_it_is_made(otlp_sink: Sink, kind: Disconnect, ends: bytes | None) -> None:
    otlp_sink.inject(disconnect=kind, stage="connect")
    with connect(otlp_sink) as client:
        if ends is None:
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        else:
            assert read_to_end(client) == ends
    assert (otlp_sink.attempt_count, otlp_sink.pending_faults) == (0, 0)
    assert post(otlp_sink).status == 200


def test_cut_message_ends_in_a_reset_stream(otlp_sink: Sink) -> None:
    otlp_sink.inject(disconnect="truncate", message="half of this comes")
    got = exchange(otlp_sink, framed(request()))
    assert (got.reset, got.ended) == (2, False)
    assert 0 < len(got.body) < 20
    assert otlp_sink.request_count == 0


def test_lost_acknowledgement_is_counted_when_ordered(otlp_sink: Sink) -> None:
    kinds: list[Disconnect] = ["reset", "close", "truncate", "goaway", "reset-stream"]
    otlp_sink.schedule([Fault(disconnect=kind, keep=True) for kind in kinds])
    for _ in kinds:
        with channel(otlp_sink) as to:
            error(to, request(2), timeout=5)
    assert (otlp_sink.span_count, otlp_sink.request_count) == (10, 5)


def test_stalled_body_fills_the_window_and_is_never_answered(otlp_sink: Sink) -> None:
    otlp_sink.inject(disconnect="stall")
    with channel(otlp_sink) as to:
        assert error(to, request(100_000, name="x" * 20), timeout=3)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        call(to, request())  # others go on
    assert (otlp_sink.attempt_count, otlp_sink.request_count) == (2, 1)


def test_window_of_nothing_lets_no_body_come() -> None:
    with Sink(stream_window=0) as sink, channel(sink) as to:
        assert error(to, request(), timeout=2)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        assert (sink.attempt_count, sink.request_count) == (1, 0)


def test_frozen_connection_answers_no_ping(otlp_sink: Sink) -> None:
    otlp_sink.inject(disconnect="freeze")
    keepalive: list[tuple[str, Any]] = [("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_timeout_ms", 100)]
    with channel(otlp_sink, options=keepalive) as to:
        assert error(to, request(), timeout=0.5)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    client = connect(otlp_sink)
    client.settimeout(0.3)
    otlp_sink.inject(disconnect="freeze")
    with pytest.raises(TimeoutError):
        exchange(otlp_sink, framed(request()), on=client, until_closed=True)
    start = time.monotonic()
    otlp_sink.close()
    assert time.monotonic() - start < 30  # a hang guard: not as long as it is frozen


def test_malformed_call_is_never_acknowledged_by_a_fault(otlp_sink: Sink) -> None:
    otlp_sink.schedule([Fault(delay=0.001), Fault(grpc_status=0), Fault(keep=True, grpc_status=14)])
    assert [exchange(otlp_sink, framed(b"\xff")).status for _ in range(3)] == [3] * 3
    assert otlp_sink.request_count == 0


@pytest.mark.parametrize("kind", ["goaway", "reset-stream"])
def test_http1_closes_where_http2_has_a_frame(otlp_sink: Sink, kind: Disconnect) -> None:
    otlp_sink.inject(disconnect=kind)
    with pytest.raises(ConnectionError):
        post(otlp_sink)
    assert otlp_sink.request_count == 0


def test_http1_answer_closes_where_http2_has_a_goaway_after(otlp_sink: Sink) -> None:
    otlp_sink.inject(disconnect="goaway-after")
    assert post(otlp_sink).headers["connection"] == "close"
    assert otlp_sink.request_count == 1


def test_status_of_grpc_does_not_touch_requests_of_http(otlp_sink: Sink) -> None:
    otlp_sink.inject(grpc_status=14, keep=True)
    assert post(otlp_sink).status == 200
