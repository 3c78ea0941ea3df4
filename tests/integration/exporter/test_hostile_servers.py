"""Servers that answer early, never read, speak something else or repeat what they were told."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import trustme
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.exporter.http import OTLPSpanExporter

from .conftest import MakeExporter, counts
from .servers import OK, ScriptedServer, answer

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE

# More than the send and receive buffers of two sockets take.
LARGE = b"\x12" * (16 << 20)


@contextlib.contextmanager
def raw_server(serve: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server whose every connection is given to ``serve`` and stays open until the end; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(60)
            held.append(connection)
            threading.Thread(target=quietly, args=(connection,), daemon=True).start()

    def quietly(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if isinstance(wrapped := serve(connection), socket.socket):
                held.append(wrapped)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in held:
            connection.close()


def sockets() -> int:
    """Sockets that this process has open."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found


def threads() -> int:
    """Threads of this process, native ones included."""
    return len(list(Path("/proc/self/task").iterdir()))


def until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within half a minute."""
    pause = threading.Event()
    return any(true() or pause.wait(0.05) for _ in range(600))


def test_a_connection_answered_before_its_request_was_sent_whole_is_not_used_again(
    spans: Spans, make_exporter: MakeExporter
) -> None:
    connections = []

    def serve(connection: socket.socket) -> None:
        connections.append(connection)
        if len(connections) > 1:
            connection.recv(1 << 20)
            connection.sendall(OK)
            return
        connection.recv(1000)  # and not a byte more, ever
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    with raw_server(serve) as port:
        exporter = make_exporter(f"http://127.0.0.1:{port}/v1/traces", timeout=30)
        outcome = exporter._client.export_encoded(LARGE, 1)
        assert outcome.lost == "too_large"
        assert outcome.message == f"a span of {len(LARGE)} bytes is too large: status 413"
        assert exporter.export(spans) is SUCCESS
        exporter.shutdown()
    assert counts(exporter)["connections"] == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_reads_costs_no_connection_after_the_timeout(
    scheme: str, make_exporter: MakeExporter, tmp_path: Path
) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)

    def serve(connection: socket.socket) -> socket.socket:
        return context.wrap_socket(connection, server_side=True) if scheme == "https" else connection

    with raw_server(serve) as port:
        exporter = make_exporter(
            f"{scheme}://127.0.0.1:{port}/v1/traces", timeout=2, certificate_file=str(tmp_path / "ca.pem")
        )
        local = f":{port:04X} "

        def open_to_server() -> int:
            # Ours: the remote address is the server's, and the socket still belongs to a process (an inode is shown).
            with open("/proc/net/tcp") as table:
                rows = [line.split() for line in table if local in line]
            return sum(row[2].endswith(local.strip()) and row[9] != "0" for row in rows)

        for _ in range(3):
            assert exporter._client.export_encoded(LARGE, 1).lost == "timeout"
        assert counts(exporter)["requests"] == 3
        assert until(lambda: open_to_server() == 0), f"{open_to_server()} connections are left"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n\x12\x00\r\n0\r\nTrailer: 1\r\n\r\n",
    ],
)
def test_every_form_of_answer_is_understood(reply: bytes, spans: Spans, make_exporter: MakeExporter) -> None:
    keep = b"HTTP/1.0" not in reply and b"close" not in reply
    with ScriptedServer([answer(reply, keep=keep)] * 3) as server:
        exporter = make_exporter(server.endpoint, timeout=30)
        for _ in range(3):
            assert exporter.export(spans) is SUCCESS
        assert len(server.bodies) == 3
        assert server.connections == (1 if keep else 3)
    assert counts(exporter)["retries"] == 0


def test_a_grpc_port_is_named_as_a_likely_cause(spans: Spans, make_exporter: MakeExporter) -> None:
    settings_and_goaway = b"\0\0\x06\x04\0\0\0\0\0\0\5\0\0\x40\0\0\0\x08\7\0\0\0\0\0\0\0\0\0\0\0\1"
    with ScriptedServer([answer(settings_and_goaway, keep=False)] * 9) as server:
        exporter = make_exporter(server.endpoint, timeout=2)
        assert exporter.export(spans) is FAILURE
    assert "gRPC" in counts(exporter)["last_error"]
    assert "4318" in counts(exporter)["last_error"]


def test_a_server_without_tls_is_named_as_a_likely_cause(spans: Spans, make_exporter: MakeExporter) -> None:
    with raw_server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        exporter = make_exporter(f"https://127.0.0.1:{port}/v1/traces", timeout=30)
        assert exporter.export(spans) is FAILURE
    assert "http://" in counts(exporter)["last_error"]


@pytest.mark.parametrize("before", [0, 280, 1180])
def test_a_secret_is_hidden_wherever_the_shown_text_is_cut(
    before: int, spans: Spans, make_exporter: MakeExporter
) -> None:
    secret = "s3cr3t" * 20
    body = b"x" * before + b" " + secret.encode()
    refusal = b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with ScriptedServer([answer(refusal)]) as server:
        exporter = make_exporter(server.endpoint, headers={"api-key": secret})
        assert exporter.export(spans) is FAILURE
    assert "status 403" in counts(exporter)["last_error"]
    assert "s3c" not in counts(exporter)["last_error"]


def test_a_token_in_the_query_is_hidden_when_echoed(spans: Spans, make_exporter: MakeExporter) -> None:
    body = b"nothing at /v1/traces?token=hunter2%21&x=1, token hunter2!"
    refusal = b"HTTP/1.1 404 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with ScriptedServer([answer(refusal)]) as server:
        exporter = make_exporter(server.endpoint + "?token=hunter2%21&x=1")
        assert exporter.export(spans) is FAILURE
    assert "nothing at /v1/traces" in counts(exporter)["last_error"]
    assert "hunter2" not in counts(exporter)["last_error"]


def test_a_lookup_or_handshake_that_outlasts_the_timeout_is_named(make_exporter: MakeExporter) -> None:
    with raw_server(lambda _: None) as port:
        exporter = make_exporter(f"https://127.0.0.1:{port}/v1/traces", timeout=2)
        outcome = exporter._client.export_encoded(b"\x12\0", 1)
    assert outcome.lost in ("exhausted", "timeout")
    assert outcome.message is not None
    assert "TLS" in outcome.message


def test_exporters_made_and_dropped_leave_nothing_open(spans: Spans) -> None:
    with ScriptedServer() as server:
        OTLPSpanExporter(endpoint=server.endpoint).export(spans)
        before_sockets, before_threads = sockets(), threads()
        for number in range(50):
            exporter = OTLPSpanExporter(endpoint=server.endpoint)
            assert exporter.export(spans) is SUCCESS
            if number % 2:
                exporter.shutdown()
            del exporter
        # Both ends are in this process, and the server's threads end with their connections.
        assert until(lambda: sockets() <= before_sockets)
        assert until(lambda: threads() <= before_threads)
