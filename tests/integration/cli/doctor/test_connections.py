"""Names, addresses and connections."""

import contextlib
import socket
import threading

import pytest
import trustme

from tests.ports import refusing

from .conftest import Doctor


def test_a_name_that_nobody_knows(run: Doctor) -> None:
    found = run("--endpoint", "http://nobody.invalid:4318", "--timeout", "3")
    assert found.status == 1
    assert found.codes("dns") <= {"unknown", "unavailable", "timeout"}
    assert found.outcomes()["tcp"] == "skipped"


def test_a_name_server_that_does_not_answer(run: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(20) and [])
    found = run("--endpoint", "http://slow.example", "--timeout", "0.2")
    done.set()
    assert found.codes("dns") == {"timeout"}


def test_a_closed_port(run: Doctor) -> None:
    with refusing() as port:
        found = run("--endpoint", f"http://127.0.0.1:{port}")
    assert (found.status, found.codes("tcp")) == (1, {"refused"})
    assert f"127.0.0.1:{port}" in found.document["summary"]


def test_localhost_in_a_pod_is_the_pod(run: Doctor) -> None:
    with refusing() as port:
        found = run("--endpoint", f"http://127.0.0.1:{port}", KUBERNETES_SERVICE_HOST="10.0.0.1")
    assert "localhost is this pod" in found.text
    assert "container itself" not in found.text


def test_packets_that_are_swallowed(run: Doctor) -> None:
    # With a full backlog Linux answers no further connection.
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        found = run("--endpoint", f"http://127.0.0.1:{server.getsockname()[1]}", "--timeout", "1")
    assert (found.status, found.codes("tcp")) == (1, {"timeout"})


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_answers(scheme: str, run: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        ca = trustme.CA()
        with ca.cert_pem.tempfile() as file:
            found = run("--endpoint", endpoint, "--timeout", "1", OTEL_EXPORTER_OTLP_CERTIFICATE=file)
    assert found.status == 1
    assert found.codes("tls" if scheme == "https" else "http") == {"timeout"}
