"""What servers answer."""

import contextlib
import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from spanwire.cli._doctor._probe import probe
from spanwire.sink import Sink
from tests.integration.exporter.servers import ScriptedServer, answer

from .conftest import Doctor, listener


@pytest.mark.parametrize("status", [401, 403, 404, 405, 413, 415, 418, 429, 503])
def test_a_status_is_explained(status: int, run: Doctor) -> None:
    with Sink() as sink:
        # What may be tried again is not, since that would be after the timeout.
        sink.inject(status=status, message="so it is", times=None, retry_after=60 if status in {429, 503} else None)
        found = run("--endpoint", sink.http_endpoint)
        assert sink.span_count == 0
    assert (found.status, found.codes("http")) == (1, {f"status_{status}"})
    finding = found.step("http")["findings"][0]
    assert "so it is" in finding["text"] and finding["cure"]
    assert found.outcomes()["span"] == "skipped"


def test_a_request_without_spans_that_is_refused_is_no_verdict(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(status=400, message="empty")
        found = run("--endpoint", sink.http_endpoint)
        assert sink.span_count == 1
    assert (found.status, found.codes("http"), found.codes("span")) == (0, {"status_400"}, {"taken"})


def test_a_redirect_is_not_followed(run: Doctor) -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: https://new.example/v1/traces?t=1\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([answer(moved)]) as server:
        found = run("--endpoint", server.endpoint)
    assert (found.status, found.codes("http")) == (1, {"redirect"})
    assert "https://new.example/v1/traces" in found.document["summary"]


def test_a_page_for_everybody_is_no_receiver(run: Doctor) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
    with ScriptedServer([answer(page), answer(page)]) as server:
        found = run("--endpoint", server.endpoint)
    assert found.codes("http") == {"not_otlp"}
    assert found.document["verdict"] == "warning"


SETTINGS_FRAME = b"\0\0\6\4\0\0\0\0\0" + b"\0\3\0\0\0\x64"


@pytest.mark.parametrize(
    ("said", "code"),
    [(SETTINGS_FRAME, "grpc_only"), (b"SSH-2.0-OpenSSH_9.2\r\n", "no_http"), (b"\xff" * 64, "no_http")],
)
def test_what_is_no_http_server(said: bytes, code: str, run: Doctor) -> None:
    def act(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    with listener(act) as port:
        found = run("--endpoint", f"http://127.0.0.1:{port}", "--timeout", "2.5")
    assert (found.status, found.codes("http")) == (1, {code})


def test_a_server_that_hangs_up(run: Doctor) -> None:
    with listener(lambda connection: None) as port:
        found = run("--endpoint", f"http://127.0.0.1:{port}", "--timeout", "2.5")
    assert (found.status, found.codes("http")) == (1, {"lost"})


def test_an_answer_that_drips_is_not_waited_for() -> None:
    """As long as a second for all of it, not for each byte."""
    gone = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            for byte in b"HTTP/1.1 200 OK":
                connection.sendall(bytes([byte]))
                gone.wait(0.4)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        address = SimpleNamespace(family=socket.AF_INET, where=server.getsockname())
        context: Any = SimpleNamespace(reachable=[address], timeout=5.0, target=None)
        assert probe(context).spoken in {"", "http", "other"}
        gone.set()
        thread.join()
