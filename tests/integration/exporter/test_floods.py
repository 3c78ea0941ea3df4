"""Servers that never come to an end: answers in the smallest pieces, and interim answers without a last one."""

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from spanwire.exporter.grpc import OTLPSpanExporter as GrpcExporter
from spanwire.exporter.http import OTLPSpanExporter as HttpExporter

# More than the buffers of two sockets take, and less than what the exporter read before it was bounded.
BOUND = 8 << 20
END = 32 << 20


class Flood:
    """Sends ``head`` and then ``block`` again and again, until the client is gone or :data:`END` is reached."""

    def __init__(self, head: bytes, block: bytes, *, is_http2: bool) -> None:
        self.head, self.block, self.is_http2 = head, block, is_http2
        self.sent: list[int] = []

    def serve(self, connection: socket.socket) -> None:
        with connection:
            if self.is_http2:
                connection.sendall(frame(4, 0, 0))  # SETTINGS
                read_until_headers(connection)
            else:
                connection.recv(1 << 16)
            number = len(self.sent)
            self.sent.append(0)
            threading.Thread(target=drain, args=(connection,), daemon=True).start()
            try:
                connection.sendall(self.head)
                while self.sent[number] < END:
                    connection.sendall(self.block)
                    self.sent[number] += len(self.block)
                threading.Event().wait(20)  # the client has to end it
            except OSError:
                pass


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def read_until_headers(connection: socket.socket) -> None:
    """What a client says before its first call, and the head of that."""
    stream = connection.makefile("rb")
    assert stream.read(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for _ in itertools.count():
        head = stream.read(9)
        stream.read(int.from_bytes(head[:3], "big"))
        if head[3] == 1:
            return


def drain(connection: socket.socket) -> None:
    try:
        while connection.recv(1 << 16):
            pass
    except OSError:
        pass


@contextmanager
def serving(flood: Flood) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 10)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=flood.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


CHUNKS = Flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * (64 << 10), is_http2=False)
CONTINUE = Flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * (16 << 10), is_http2=False)
HINTS = Flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * (16 << 10), is_http2=False)
# HEADERS with `:status 100`.
GRPC_CONTINUE = Flood(b"", frame(1, 4, 1, b"\x08\x03100") * (16 << 10), is_http2=True)
GRPC_PINGS = Flood(b"", frame(6, 0, 0, bytes(8)) * (16 << 10), is_http2=True)


@pytest.fixture
def endpoint_of() -> Iterator[Callable[[Flood], str]]:
    with_servers = []

    def start(flood: Flood) -> str:
        server = serving(flood)
        with_servers.append(server)
        return f"http://127.0.0.1:{server.__enter__()}"

    yield start
    for server in with_servers:
        server.__exit__(None, None, None)


def test_an_answer_in_the_smallest_chunks_is_bounded_as_one_that_is_too_large(
    endpoint_of: Callable[[Flood], str],
) -> None:
    flood = CHUNKS
    exporter = HttpExporter(endpoint=f"{endpoint_of(flood)}/v1/traces", timeout=20)
    outcome = exporter._client.export_encoded(b"\x12\0", 1)
    exporter.shutdown()
    assert outcome.lost == "response", outcome.message
    assert flood.sent[0] < BOUND


@pytest.mark.parametrize("flood", [CONTINUE, HINTS], ids=["continue", "hints"])
def test_interim_answers_over_http_are_bounded(flood: Flood, endpoint_of: Callable[[Flood], str]) -> None:
    exporter = HttpExporter(endpoint=f"{endpoint_of(flood)}/v1/traces", timeout=3)
    outcome = exporter._client.export_encoded(b"\x12\0", 1)
    exporter.shutdown()
    assert outcome.lost in ("exhausted", "timeout")
    assert "before the response" in str(outcome.message)
    assert max(flood.sent) < BOUND


@pytest.mark.parametrize("flood", [GRPC_CONTINUE, GRPC_PINGS], ids=["continue", "pings"])
def test_interim_answers_over_grpc_are_bounded(flood: Flood, endpoint_of: Callable[[Flood], str]) -> None:
    exporter = GrpcExporter(endpoint=endpoint_of(flood), timeout=3)
    outcome = exporter._client.export_encoded(b"\x12\0", 1)
    exporter.shutdown()
    assert outcome.lost in ("exhausted", "timeout")
    assert "without ending a response" in str(outcome.message)
    assert max(flood.sent) < 3 * BOUND
