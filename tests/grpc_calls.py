"""Calls of gRPC to a sink by grpcio, and by frames of our own for what grpcio never sends."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]
import hpack
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
)

from spanwire.sink import Sink

__all__ = [
    "EXPORT",
    "METRICS",
    "PREFACE",
    "Exchange",
    "call",
    "channel",
    "connect",
    "error",
    "exchange",
    "framed",
]

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@contextmanager
def channel(sink: Sink, *, target: str | None = None, options: Sequence[tuple[str, Any]] = ()) -> Iterator[Any]:
    """A plaintext channel of grpcio, with sockets of its own, that tries a call once."""
    own = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0), *options]
    made = grpc.insecure_channel(target or f"127.0.0.1:{sink.grpc_port}", options=own)
    try:
        yield made
    finally:
        made.close()


def call(
    to: Any, body: bytes, *, method: str = EXPORT, timeout: float = 20, compression: grpc.Compression | None = None
) -> tuple[bytes, Any]:
    """The answer's bytes, and the call.

    :raises grpc.RpcError: if its status is not OK.
    """
    # Where a connection is ending, the next one is waited for.
    options = {"timeout": timeout, "compression": compression, "wait_for_ready": True}
    answer, made = to.unary_unary(method).with_call(body, **options)
    return answer, made


def error(to: Any, body: bytes, **options: Any) -> tuple[grpc.StatusCode, str]:
    """Code and text of the error that such a call ends with."""
    try:
        call(to, body, **options)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call did not fail")


def framed(message: bytes, *, flag: int = 0, length: int | None = None) -> bytes:
    """A message with the five bytes that gRPC puts in front."""
    return bytes([flag]) + (len(message) if length is None else length).to_bytes(4, "big") + message


@dataclass
class Exchange:
    """What came back on the one stream of a connection."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None
    goaways: list[tuple[int, int]] = field(default_factory=list)  # the last stream, the code
    closed: str = ""  # "fin" or "reset"
    decoder: hpack.Decoder = field(default_factory=hpack.Decoder)

    @property
    def status(self) -> int:
        """gRPC's, of the trailers or, where nothing else came, the headers."""
        return int(self.trailers.get("grpc-status") or self.headers["grpc-status"])

    @property
    def message(self) -> str:
        """gRPC's, percent-encoded."""
        return self.trailers.get("grpc-message") or self.headers["grpc-message"]


def connect(sink: Sink, tls: ssl.SSLContext | None = None) -> socket.socket:
    """A connection to where gRPC is spoken."""
    plain = socket.create_connection(("127.0.0.1", sink.grpc_port), timeout=20)
    return plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")


def exchange(
    sink: Sink,
    body: bytes,
    headers: dict[str, str] | None = None,
    *,
    end: bool = True,
    on: socket.socket | None = None,
    until_closed: bool = False,
) -> Exchange:
    """Sends a call of these headers and this body, as it is, and reads until it is answered or ended.

    :param headers: instead of those of a good call, where given; those of an empty value are left out.
    :param end: whether the client's side of the stream ends.
    :param until_closed: read until the connection is closed.
    """
    sent = {
        ":method": "POST",
        ":scheme": "http",
        ":path": EXPORT,
        ":authority": "sink",
        "content-type": "application/grpc",
        "te": "trailers",
        **(headers or {}),
    }
    # A client that waits for no window: what tests send fits in the first one.
    assert len(body) < 65_536
    head = HeadersFrame(1, hpack.Encoder().encode([(name, value) for name, value in sent.items() if value]))
    head.flags.add("END_HEADERS")
    frames: list[Frame] = [SettingsFrame(0), head]
    frames += [DataFrame(1, body[at : at + 16_384]) for at in range(0, len(body), 16_384)]
    if end:
        if not body:
            frames.append(DataFrame(1, b""))
        frames[-1].flags.add("END_STREAM")
    got = Exchange()
    with on or connect(sink) as client:
        try:
            client.sendall(PREFACE + b"".join(frame.serialize() for frame in frames))
            for frame in _frames(client, got):
                _take(frame, got)
                if isinstance(frame, SettingsFrame | PingFrame) and "ACK" not in frame.flags:
                    answer = PingFrame(0, frame.opaque_data) if isinstance(frame, PingFrame) else SettingsFrame(0)
                    answer.flags.add("ACK")
                    client.sendall(answer.serialize())
                if not until_closed and (got.ended or got.reset is not None):
                    break
        except ConnectionError:
            got.closed = "reset"
    return got


def _frames(client: socket.socket, got: Exchange) -> Iterator[Frame]:
    buffer = b""
    while True:
        while len(buffer) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(buffer[:9]))
            if len(buffer) < 9 + length:
                break
            frame.parse_body(memoryview(buffer[9 : 9 + length]))
            buffer = buffer[9 + length :]
            yield frame
        if not (data := client.recv(1 << 16)):
            got.closed = "fin"
            return
        buffer += data


def _take(frame: Frame, got: Exchange) -> None:
    match frame:
        case HeadersFrame():
            assert "END_HEADERS" in frame.flags
            headers = {_text(name): _text(value) for name, value in got.decoder.decode(frame.data)}
            if got.headers:
                got.trailers = headers
            else:
                got.headers = headers
        case DataFrame():
            got.body += frame.data
        case RstStreamFrame():
            got.reset = frame.error_code
        case GoAwayFrame():
            got.goaways.append((frame.last_stream_id, frame.error_code))
    got.ended = got.ended or "END_STREAM" in frame.flags


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()
