"""Requests to a sink by the standard library's HTTP client, what to send in them, and every content encoding."""

import gzip
import http.client
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwire.sink import Sink

__all__ = ["ENCODINGS", "JSON", "PROTOBUF", "Answer", "post", "read_to_end", "request", "until", "zstd_frame"]

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What came back; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        """The text in a google.rpc.Status."""
        assert self.headers["content-type"] == PROTOBUF
        return str(Status.FromString(self.body).message)


def request(spans: int = 1, name: str = "span") -> bytes:
    """A serialized request with so many spans of one trace."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for number in range(spans):
        scope.spans.add(name=f"{name} {number}", trace_id=b"\x01" * 16, span_id=(number + 1).to_bytes(8, "big"))
    return bytes(message.SerializeToString())


def post(
    sink: Sink,
    body: bytes | None = None,
    *,
    method: str = "POST",
    path: str = "/v1/traces",
    content_type: str | None = PROTOBUF,
    encoding: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send one request on a connection of its own."""
    url = urlsplit(sink.http_endpoint)
    assert url.hostname is not None
    connection = (
        http.client.HTTPConnection(url.hostname, url.port, timeout=20)
        if tls is None
        else http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=tls)
    )
    headers = {}
    if content_type is not None:
        headers["Content-Type"] = content_type
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    try:
        connection.request(method, path, request() if body is None else body, headers)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def read_to_end(client: socket.socket) -> bytes:
    """What comes until the other side ends its direction."""
    return b"".join(iter(lambda: client.recv(1 << 16), b""))


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until ``condition`` holds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        time.sleep(0.002)


def raw_deflate(data: bytes) -> bytes:
    """Deflate without zlib's header, as some clients send it."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def zstd_frame(data: bytes, *, repeat: int = 1) -> bytes:
    """A zstd frame (RFC 8878): raw blocks; or with ``repeat``, blocks of one byte repeated, which is how bombs begin."""
    block = 128 << 10  # the largest
    if repeat > 1:
        assert len(data) == 1
        sizes = [block] * (repeat // block) + [repeat % block]
        blocks = [(size, 1, data) for size in sizes]
    else:
        blocks = [(len(piece), 0, piece) for at in range(0, len(data) or 1, block) for piece in [data[at : at + block]]]
    # The header: a content size of four bytes follows a window of 1 MiB.
    frame = b"\x28\xb5\x2f\xfd" + b"\x80\x50" + (len(data) * repeat).to_bytes(4, "little")
    for number, (size, kind, content) in enumerate(blocks, 1):
        frame += (size << 3 | kind << 1 | (number == len(blocks))).to_bytes(3, "little") + content
    return frame


ENCODINGS: dict[str, tuple[str | None, Callable[[bytes], bytes]]] = {
    "identity": ("identity", bytes),
    "none": (None, bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "zstd": ("zstd", zstd_frame),
}
