"""What the sink says to calls that no library sends: by frames of HTTP/2, and by bytes that are none."""

import gzip
import random
import socket
import threading
import zlib
from typing import Any

import hpack
import pytest
from hyperframe.frame import HeadersFrame, RstStreamFrame, SettingsFrame

from spanwire.sink import Sink
from tests.grpc_calls import EXPORT, PREFACE, call, channel, connect, exchange, framed
from tests.post import PROTOBUF, post, read_to_end, request, until, zstd_frame

OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 3, 8, 12, 13


def test_answer_is_headers_a_message_and_trailers(otlp_sink: Sink) -> None:
    got = exchange(otlp_sink, framed(request(3)))
    assert (got.headers[":status"], got.headers["content-type"]) == ("200", "application/grpc")
    assert "content-length" not in got.headers
    assert (got.body, got.trailers, got.ended, got.reset) == (framed(b""), {"grpc-status": "0"}, True, None)
    [received] = otlp_sink.requests()
    assert (received.body, received.wire_size) == (request(3), len(request(3)) + 5)


@pytest.mark.parametrize("content_type", ["application/grpc+proto", "application/grpc; charset=utf-8"])
def test_content_type_may_say_more(otlp_sink: Sink, content_type: str) -> None:
    assert exchange(otlp_sink, framed(request()), {"content-type": content_type}).status == OK


@pytest.mark.parametrize(
    "name, compress",
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd_frame), ("identity", bytes)],
)
def test_message_is_decompressed_as_grpc_encoding_says(otlp_sink: Sink, name: str, compress: object) -> None:
    assert callable(compress)
    flag = 0 if name == "identity" else 1
    assert exchange(otlp_sink, framed(compress(request(3)), flag=flag), {"grpc-encoding": name}).status == OK
    # Each message says for itself whether it is compressed.
    assert exchange(otlp_sink, framed(request(2)), {"grpc-encoding": name}).status == OK
    assert [received.body for received in otlp_sink.requests()] == [request(3), request(2)]
    assert [received.content_encoding for received in otlp_sink.requests()] == [name, "identity"]


@pytest.mark.parametrize("headers", [{}, {"grpc-encoding": "identity"}])
def test_compressed_message_without_an_encoding_is_internal(otlp_sink: Sink, headers: dict[str, str]) -> None:
    got = exchange(otlp_sink, framed(gzip.compress(request()), flag=1), headers)
    assert got.status == INTERNAL
    assert "no grpc-encoding says how" in got.message
    assert (otlp_sink.attempt_count, otlp_sink.request_count) == (1, 0)


def test_unknown_encoding_is_unimplemented_and_the_known_ones_are_named(otlp_sink: Sink) -> None:
    got = exchange(otlp_sink, framed(request(), flag=1), {"grpc-encoding": "snappy"})
    assert (got.status, got.headers["grpc-accept-encoding"]) == (UNIMPLEMENTED, "identity,gzip,deflate,zstd")


def test_message_that_is_not_what_its_encoding_says_is_internal(otlp_sink: Sink) -> None:
    assert exchange(otlp_sink, framed(b"no gzip", flag=1), {"grpc-encoding": "gzip"}).status == INTERNAL


@pytest.mark.parametrize(
    "body, says",
    [
        (b"", "ends 0 bytes into"),
        (b"\0\0\0", "ends 3 bytes into"),
        (framed(b"abc", length=4), "should have 4 bytes, and 3 came"),
        (framed(b"abc", length=2), "1 bytes came after the one gRPC message"),
        (framed(request()) * 2, "came after the one gRPC message"),
        (framed(request(), flag=2), "begins with 0 or 1, not 2"),
        (framed(request(), flag=128), "begins with 0 or 1, not 128"),
        (framed(b"\xff"), "the body is not an ExportTraceServiceRequest"),
        (b"POST / HTTP/1.1", "begins with 0 or 1, not 80"),
    ],
)
def test_malformed_message_is_an_invalid_argument(otlp_sink: Sink, body: bytes, says: str) -> None:
    got = exchange(otlp_sink, body)
    assert (got.status, says in got.message) == (INVALID_ARGUMENT, True), got.message
    assert (otlp_sink.attempt_count, otlp_sink.request_count) == (1, 0)


def test_length_over_the_limit_is_refused_whatever_comes(otlp_sink: Sink) -> None:
    assert exchange(otlp_sink, framed(b"abc", length=2**32 - 1)).status == RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    "encoding, bomb",
    [("gzip", gzip.compress(bytes(50 << 20))), ("deflate", zlib.compress(bytes(50 << 20)))],
)
def test_decompression_bomb_is_too_large(encoding: str, bomb: bytes) -> None:
    with Sink(max_request_bytes=100_000) as sink:
        got = exchange(sink, framed(bomb, flag=1), {"grpc-encoding": encoding})
    assert (got.status, "after decompression" in got.message) == (RESOURCE_EXHAUSTED, True)


def test_other_form_of_message_is_unimplemented(otlp_sink: Sink) -> None:
    assert exchange(otlp_sink, b"{}", {"content-type": "application/grpc+json"}).status == UNIMPLEMENTED


@pytest.mark.parametrize("content_type", ["application/grpc-web", "text/plain", ""])
def test_other_content_type_is_refused_by_http(content_type: str) -> None:
    for options in ({}, {"grpc_port": 0}):
        with Sink(**options) as sink:  # type: ignore[arg-type]
            got = exchange(sink, framed(request()), {"content-type": content_type})
            assert got.headers[":status"] in ("404", "415")
            assert "grpc-status" not in got.headers


def test_requests_of_http_are_taken_over_http2(otlp_sink: Sink) -> None:
    got = exchange(otlp_sink, request(2), {":path": "/v1/traces", "content-type": PROTOBUF})
    assert (got.headers[":status"], got.body, got.ended) == ("200", b"", True)
    assert otlp_sink.requests()[0].protocol == "http/protobuf"


def test_other_http_method_is_unimplemented(otlp_sink: Sink) -> None:
    assert exchange(otlp_sink, b"", {":method": "PUT"}).status == UNIMPLEMENTED


def test_call_that_is_given_up_is_not_counted(otlp_sink: Sink) -> None:
    client = connect(otlp_sink)
    words: dict[str, Any] = {"end": False, "on": client}
    caller = threading.Thread(target=exchange, args=(otlp_sink, framed(request(), length=100)[:20]), kwargs=words)
    caller.start()
    until(lambda: otlp_sink.attempt_count == 1)
    client.shutdown(socket.SHUT_RDWR)
    caller.join()
    assert post(otlp_sink).status == 200
    assert (otlp_sink.attempt_count, otlp_sink.request_count, otlp_sink.span_count) == (2, 1, 1)


def test_body_that_trickles_is_a_deadline_exceeded() -> None:
    with Sink(body_timeout=0.2) as sink:
        got = exchange(sink, framed(request())[:9], end=False)
    assert (got.status, got.message) == (4, "the body did not come within 200ms")


def test_preface_that_trickles_is_understood(otlp_sink: Sink) -> None:
    with connect(otlp_sink) as client:
        for byte in PREFACE:
            client.sendall(bytes([byte]))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        assert client.recv(9)[3] == 4  # SETTINGS


@pytest.mark.parametrize("begin", [b"P", b"PRI ", PREFACE[:20], PREFACE])
def test_client_that_says_no_more_is_sent_away(begin: bytes) -> None:
    with Sink(header_timeout=0.2) as sink:
        with connect(sink) as client:
            client.sendall(begin)
            read_to_end(client)
        assert post(sink).status == 200


def test_idle_connection_is_told_to_go_and_a_busy_one_is_not() -> None:
    with Sink(header_timeout=1.0) as sink:
        sink.inject(delay=2.0)
        got = exchange(sink, framed(request()), until_closed=True)
        assert (got.status, bool(got.goaways), got.closed) == (OK, True, "fin")


def test_no_garbage_brings_the_sink_down(otlp_sink: Sink) -> None:
    """Frames of any kind and length, with changed bytes and cuts: whatever is said, the next call works."""
    chance = random.Random(7)
    good = framed(request(3))
    for _ in range(150):
        data = bytearray(PREFACE + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        for _ in range(chance.randrange(6)):
            payload = good if chance.random() < 0.3 else chance.randbytes(chance.randrange(40))
            head = len(payload).to_bytes(3, "big") + bytes([chance.randrange(12), chance.randrange(256)])
            data += head + chance.randrange(6).to_bytes(4, "big") + payload
        if chance.random() < 0.5:
            data[chance.randrange(len(data))] = chance.randrange(256)
        with connect(otlp_sink) as client:
            client.settimeout(5)
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                read_to_end(client)
            except OSError:  # it may have ended the connection already
                pass
    before = otlp_sink.span_count
    with channel(otlp_sink) as to:
        call(to, request(2))
    assert otlp_sink.span_count == before + 2


def test_flood_of_resets_ends_the_connection_alone(otlp_sink: Sink) -> None:
    """Streams opened and reset at once, as in CVE-2023-44487."""
    head = [(":method", "POST"), (":scheme", "http"), (":path", EXPORT), (":authority", "sink")]
    encoder = hpack.Encoder()
    with connect(otlp_sink) as client:
        client.sendall(PREFACE + SettingsFrame(0).serialize())
        try:
            for number in range(3000):
                headers = HeadersFrame(2 * number + 1, encoder.encode(head))
                headers.flags.add("END_HEADERS")
                client.sendall(headers.serialize() + RstStreamFrame(2 * number + 1, 8).serialize())
            read_to_end(client)
        except OSError:
            pass
    with channel(otlp_sink) as to:
        call(to, request(2))
    until(lambda: otlp_sink.span_count == 2)
