"""What the sink says to each kind of request (OTLP specification, OTLP/HTTP)."""

import gzip
import http.client
import json
import random
import socket
import zlib

import pytest

from spanwire.sink import Sink
from tests.post import ENCODINGS, JSON, PROTOBUF, post, request, zstd_frame


@pytest.mark.parametrize("content_type", [PROTOBUF, "application/x-protobuf; charset=utf-8", "Application/X-Protobuf"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_protobuf_is_acknowledged_in_protobuf(otlp_sink: Sink, encoding: str, content_type: str) -> None:
    name, encode = ENCODINGS[encoding]
    answer = post(otlp_sink, encode(request(3)), content_type=content_type, encoding=name)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", PROTOBUF)
    [received] = otlp_sink.requests()
    assert received.body == request(3)
    assert (received.content_type, received.content_encoding) == (content_type, name or "identity")
    assert received.wire_size == len(encode(request(3)))
    assert otlp_sink.span_count == received.span_count == 3


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_acknowledged_in_json(otlp_sink: Sink, encoding: str) -> None:
    name, encode = ENCODINGS[encoding]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a"}, {"name": "b"}]}]}]}).encode()
    answer = post(otlp_sink, encode(body), content_type="application/json; charset=utf-8", encoding=name)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", JSON)
    assert [span.name for span in otlp_sink.spans()] == ["a", "b"]
    assert otlp_sink.span_count == 2


def test_empty_request_is_legal(otlp_sink: Sink) -> None:
    assert post(otlp_sink, b"").status == 200
    assert post(otlp_sink, b"{}", content_type=JSON).status == 200
    assert (otlp_sink.request_count, otlp_sink.span_count) == (2, 0)


def test_connection_is_kept_alive(otlp_sink: Sink) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", otlp_sink.port, timeout=20)
    connection.connect()
    ours = connection.sock.getsockname()
    for body in (request(), b"\xff", request()):
        connection.request("POST", "/v1/traces", body, {"Content-Type": PROTOBUF})
        connection.getresponse().read()
        assert connection.sock is not None
        assert connection.sock.getsockname() == ours
    connection.close()
    assert otlp_sink.span_count == 2


def test_chunked_body_is_read(otlp_sink: Sink) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", otlp_sink.port, timeout=20)
    body = request(2)
    connection.request(
        "POST", "/v1/traces", iter([body[:7], body[7:]]), {"Content-Type": PROTOBUF}, encode_chunked=True
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert otlp_sink.span_count == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_method_than_post_is_refused(otlp_sink: Sink, method: str) -> None:
    answer = post(otlp_sink, method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/v1/profiles", "/v1/log", "/v1/traces/", "/v1/trace"])
def test_other_path_is_not_found(otlp_sink: Sink, path: str) -> None:
    answer = post(otlp_sink, path=path)
    assert answer.status == 404
    assert "/v1/traces" in answer.message


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/protobuf", "application/jsonl"])
def test_other_content_type_is_unsupported(otlp_sink: Sink, content_type: str | None) -> None:
    answer = post(otlp_sink, content_type=content_type)
    assert answer.status == 415
    assert b"application/x-protobuf or application/json" in answer.body


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "compress"])
def test_other_encoding_is_unsupported(otlp_sink: Sink, encoding: str) -> None:
    answer = post(otlp_sink, encoding=encoding)
    assert answer.status == 415
    assert "send identity, gzip, deflate or zstd" in answer.message


def test_malformed_protobuf_is_refused_with_the_offset(otlp_sink: Sink) -> None:
    answer = post(otlp_sink, b"\x0a\x05\x12")
    assert answer.status == 400
    assert "a length of 5 with 1 bytes left at byte 1" in answer.message
    assert (otlp_sink.request_count, otlp_sink.attempt_count) == (0, 1)


def test_malformed_json_is_refused_with_the_place(otlp_sink: Sink) -> None:
    answer = post(otlp_sink, b'{"resourceSpans":[{"schemaUrl":7}]}', content_type=JSON)
    assert (answer.status, answer.headers["content-type"]) == (400, JSON)
    status = json.loads(answer.body)
    assert status["code"] == 3
    assert "7 where a string is expected at line 1 column 32, in resourceSpans[0].schemaUrl" in status["message"]


def test_no_garbage_brings_the_sink_down(otlp_sink: Sink) -> None:
    """Cuts and changed bytes of valid requests in each encoding: 200 or 400, and the next request works."""
    chance = random.Random(5)
    whole = request(3)
    connection = http.client.HTTPConnection("127.0.0.1", otlp_sink.port, timeout=20)
    answers = {200: 0, 400: 0}
    for name, encode in ENCODINGS.values():
        for _ in range(60):
            body = bytearray(encode(whole))
            for _ in range(chance.randrange(4)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            if chance.random() < 0.5:
                del body[chance.randrange(len(body) + 1) :]
            headers = {"Content-Type": chance.choice([PROTOBUF, JSON]), "Content-Encoding": name or "identity"}
            connection.request("POST", "/v1/traces", bytes(body), headers)
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
    connection.close()
    assert min(answers.values()) > 20
    before = otlp_sink.span_count
    assert post(otlp_sink).status == 200
    assert otlp_sink.span_count == before + 1


@pytest.mark.parametrize(
    "encoding, bomb",
    [
        ("gzip", gzip.compress(bytes(50 << 20))),
        ("deflate", zlib.compress(bytes(50 << 20))),
        ("zstd", zstd_frame(b"\0", repeat=2 << 30)),
    ],
)
def test_decompression_bomb_is_too_large(encoding: str, bomb: bytes) -> None:
    assert len(bomb) < 100_000
    with Sink(max_request_bytes=100_000) as sink:
        answer = post(sink, bomb, encoding=encoding)
        assert answer.status == 413
        assert "over 100000 bytes after decompression" in answer.message
        assert post(sink).status == 200
        assert sink.request_count == 1


def test_body_over_the_limit_is_too_large_and_the_client_hears_it() -> None:
    with Sink(max_request_bytes=1000) as sink:
        exact = bytes(998)  # field number 0: malformed, but not too large
        assert post(sink, exact).status == 400
        answer = post(sink, bytes(900_000))
        assert answer.status == 413
        assert "over 1000 bytes on the wire" in answer.message


def test_request_head_over_the_limit_is_refused(otlp_sink: Sink) -> None:
    with socket.create_connection(("127.0.0.1", otlp_sink.port), timeout=20) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n")
        assert b" 431 " in client.recv(1000)
    assert post(otlp_sink).status == 200
