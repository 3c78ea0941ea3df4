"""What the sink says to each kind of gRPC call, asked by grpcio and by the official exporter."""

import contextlib
from collections.abc import Iterator

import grpc  # type: ignore[import-untyped]
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.sink import Sink
from tests.grpc_calls import EXPORT, METRICS, call, channel, connect, error
from tests.post import post, read_to_end, request
from tests.spans import span

SPANS = 7


@pytest.fixture(scope="module")
def spans() -> list[ReadableSpan]:
    return [span(f"span {number}") for number in range(SPANS)]


@pytest.fixture(params=["shared", "own"])
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    with Sink(grpc_port=0 if request.param == "own" else None) as sink:
        assert (sink.grpc_port == sink.port) == (request.param == "shared")
        yield sink


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_official_exporter_is_acknowledged(
    sink: Sink, spans: list[ReadableSpan], compression: grpc.Compression
) -> None:
    exporter = OTLPSpanExporter(endpoint=sink.grpc_endpoint, compression=compression, timeout=20)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    exporter.shutdown()
    [received] = sink.requests()
    assert received.body == encode_spans(spans).SerializeToString()
    assert (received.protocol, received.content_type) == ("grpc", "application/grpc")
    assert received.content_encoding == ("gzip" if compression is grpc.Compression.Gzip else "identity")
    assert (sink.attempt_count, sink.request_count, sink.span_count) == (1, 1, SPANS)


def test_answer_is_a_message_and_a_status(sink: Sink) -> None:
    with channel(sink) as to:
        answer, made = call(to, request(3))
        assert (answer, made.code()) == (b"", grpc.StatusCode.OK)
        assert not made.details()
    assert sink.span_count == 3


def test_many_calls_share_a_connection(sink: Sink) -> None:
    with channel(sink) as to:
        export = to.unary_unary(EXPORT)
        waiting = [export.future(request(2), timeout=20) for _ in range(100)]
        assert [one.result() for one in waiting] == [b""] * 100
    assert (sink.request_count, sink.span_count) == (100, 200)


def test_large_message_comes_whole(sink: Sink) -> None:
    body = request(60_000, name="x" * 40)
    assert len(body) > 4 << 20
    with channel(sink) as to:
        call(to, body)
    assert sink.requests()[0].body == body


def test_empty_message_is_legal(sink: Sink) -> None:
    with channel(sink) as to:
        call(to, b"")
    assert (sink.request_count, sink.span_count) == (1, 0)


def test_malformed_message_is_an_invalid_argument_with_the_offset(sink: Sink) -> None:
    with channel(sink) as to:
        code, text = error(to, b"\x0a\x05\x12")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "a length of 5 with 1 bytes left at byte 1" in text
    assert (sink.request_count, sink.attempt_count) == (0, 1)


@pytest.mark.parametrize(
    "method", [METRICS.replace("v1", "v2"), EXPORT.replace("Export", "Import"), "/grpc.health.v1.Health/Check"]
)
def test_other_method_is_unimplemented(sink: Sink, method: str) -> None:
    with channel(sink) as to:
        code, text = error(to, b"", method=method)
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert EXPORT in text
    assert sink.attempt_count == 0


def filled(body: bytes, size: int) -> bytes:
    """The body with an unknown field behind it: a tag, three bytes of length, zeros."""
    left = size - len(body) - 4
    return body + bytes([0x7A, left & 0x7F | 0x80, left >> 7 & 0x7F | 0x80, left >> 14]) + bytes(left)


def test_message_over_the_limit_is_exhausted_resources() -> None:
    with Sink(max_request_bytes=100_000) as sink, channel(sink) as to:
        call(to, filled(request(1), 100_000))
        code, text = error(to, filled(request(1), 100_001))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        code, text = error(to, bytes(100_001))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "over 100000 bytes on the wire" in text
        code, text = error(to, bytes(10 << 20), compression=grpc.Compression.Gzip)
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "after decompression" in text


def test_http_is_spoken_on_the_shared_port_and_not_on_gprcs_own() -> None:
    with Sink(grpc_port=0) as sink:
        assert post(sink).status == 200
        with channel(sink) as to:
            call(to, request(2))
        with connect(sink) as client, contextlib.suppress(ConnectionResetError):
            client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: sink\r\n\r\n")
            assert not read_to_end(client).startswith(b"HTTP/1")
    assert sink.span_count == 3


def test_both_are_counted_and_kept_together(otlp_sink: Sink) -> None:
    post(otlp_sink, request(1))
    with channel(otlp_sink) as to:
        call(to, request(2))
    assert [received.protocol for received in otlp_sink.requests()] == ["http/protobuf", "grpc"]
    assert otlp_sink.span_count == 3
