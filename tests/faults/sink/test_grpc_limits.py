"""Clients of gRPC that are slow, many, or gone; and a sink that closes while they call."""

import socket
import threading

import grpc  # type: ignore[import-untyped]
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from spanwire.sink import Sink
from tests.grpc_calls import EXPORT, PREFACE, call, channel, connect, error, exchange, framed
from tests.post import post, read_to_end, request, until

HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: sink\r\nContent-Type: application/x-protobuf\r\n"


def test_bodies_that_stall_elsewhere_are_unavailable_with_a_retry_info() -> None:
    """Bodies being read at once are bounded together, over all protocols."""
    size = 1 << 20
    with Sink(max_request_bytes=size) as sink:
        hogs = [socket.create_connection(("127.0.0.1", sink.port), timeout=20) for _ in range(4)]
        for hog in hogs:
            hog.sendall(HEAD + f"Content-Length: {size}\r\n\r\n".encode() + bytes(size - 1))
        until(lambda: exchange(sink, framed(bytes(1000))).headers.get("grpc-status") == "14")
        with channel(sink) as to:
            with pytest.raises(grpc.RpcError) as caught:
                call(to, bytes(1000))
            details = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
            info = RetryInfo()
            assert details.details[0].Unpack(info)
            assert (caught.value.code(), info.retry_delay.seconds) == (grpc.StatusCode.UNAVAILABLE, 1)
            for hog in hogs:
                hog.close()
            until(lambda: post(sink).status == 200)
            call(to, request())


def test_connections_over_the_limit_wait_their_turn() -> None:
    with Sink(max_connections=1) as sink, channel(sink) as first, channel(sink) as second:
        call(first, request())
        waiting = second.unary_unary(EXPORT).future(request(), timeout=20, wait_for_ready=True)
        with pytest.raises(grpc.FutureTimeoutError):
            waiting.result(timeout=0.2)
        first.close()
        waiting.result()
    assert sink.span_count == 2


def test_close_lets_a_call_in_progress_finish_and_no_other_begin() -> None:
    with Sink() as sink, channel(sink) as to:
        sink.inject(delay=0.3)
        slow = to.unary_unary(EXPORT).future(request(2), timeout=20)
        until(lambda: sink.attempt_count == 1)
        sink.close()
        assert slow.result() == b""
        assert error(to, request(), timeout=0.3)[0] in (
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DEADLINE_EXCEEDED,
        )
    assert sink.span_count == 2


def test_close_does_not_wait_for_idle_connections_or_silent_ones() -> None:
    with Sink() as sink, connect(sink) as idle, connect(sink) as begun, connect(sink) as silent:
        begun.sendall(PREFACE[:10])
        silent.sendall(PREFACE + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        with channel(sink) as to:
            call(to, request())
            closer = threading.Thread(target=sink.close)
            closer.start()
            closer.join(10)
            assert not closer.is_alive()
        assert read_to_end(idle) == b""
        read_to_end(begun)


def test_connection_that_ends_inside_a_message_is_not_kept(otlp_sink: Sink) -> None:
    client = connect(otlp_sink)
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        exchange(otlp_sink, framed(request(3))[:-1], end=False, on=client)
    until(lambda: otlp_sink.attempt_count == 1)
    post(otlp_sink)
    assert (otlp_sink.request_count, otlp_sink.span_count) == (1, 1)
