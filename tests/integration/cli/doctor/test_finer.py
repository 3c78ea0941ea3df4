"""What is found beyond yes and no: clocks, slowness, compression, credentials that are not sent, other ports, sizes, chains."""

import re
import socket
import time
from email.utils import formatdate

import pytest
import trustme

from spanwire.cli._doctor.steps import http
from spanwire.sink import TLS, Sink
from tests.integration.exporter.servers import OK, ScriptedServer, answer

from .conftest import Doctor, listener
from .test_http import SETTINGS_FRAME


def told_at(seconds: float) -> bytes:
    return OK.replace(b"\r\n", f"\r\nDate: {formatdate(time.time() + seconds, usegmt=True)}\r\n".encode(), 1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-7500.0, "2 h ahead of the server's"), (1000.0, "17 min behind the server's"), (60.0, " s behind")],
)
def test_a_clock_that_is_off_is_told(seconds: float, words: str, run: Doctor) -> None:
    with ScriptedServer([answer(told_at(seconds))] * 3) as server:
        found = run("--endpoint", server.endpoint)
    assert (found.status, found.codes("http")) == (0, {"accepted", "clock"})
    assert words in found.step("http")["findings"][-1]["text"]
    assert found.step("http")["details"]["clock_ahead_seconds"] == pytest.approx(-seconds, abs=10)
    assert found.document["verdict"] == "warning"


def test_a_clock_that_is_right_is_not(run: Doctor) -> None:
    with ScriptedServer([answer(told_at(0))] * 3) as server:
        found = run("--endpoint", server.endpoint)
        assert [head.split()[0] for head in server.heads] == ["POST", "GET", "POST"]
        # Nothing of ours goes with the question.
        assert set(re.findall(r"^([\w-]+):", server.heads[1], re.MULTILINE)) == {"Host", "Connection"}
    assert found.codes("http") == {"accepted"}
    assert abs(found.step("http")["details"]["clock_ahead_seconds"]) < 10


def test_a_receiver_that_takes_long_is_told_before_spans_are_lost(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(delay=1.1)
        found = run("--endpoint", sink.http_endpoint, OTEL_EXPORTER_OTLP_TIMEOUT="4")
    assert (found.status, found.codes("http")) == (0, {"accepted", "slow"})
    assert found.step("http")["details"]["milliseconds"] >= 1000


@pytest.mark.parametrize("status", [400, 415, 500])
def test_compression_that_is_refused_is_told_from_all_else(status: int, run: Doctor) -> None:
    def act(connection: socket.socket) -> None:
        head = connection.recv(65536).lower()
        refused = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        connection.sendall(
            refused if b"content-encoding" in head else OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )

    with listener(act) as port:
        endpoint = f"http://127.0.0.1:{port}"
        found = run("--endpoint", endpoint, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
        plain = run("--endpoint", endpoint, "--no-send")
    assert (found.status, found.codes("http")) == (1, {"compression"})
    assert found.step("http")["details"]["compression"] == "gzip"
    assert "OTEL_EXPORTER_OTLP_COMPRESSION=none" in found.step("http")["findings"][0]["cure"]
    assert plain.codes("http") == {"accepted"}


def test_what_is_refused_in_any_form_is_not_blamed_on_compression(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(status=415, times=None)
        found = run("--endpoint", sink.http_endpoint, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    assert found.codes("http") == {"status_415"}


def test_whether_credentials_were_sent_is_said(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(status=401, times=None)
        without = run("--endpoint", sink.http_endpoint)
        wrong = run("--endpoint", sink.http_endpoint, OTEL_EXPORTER_OTLP_HEADERS="api-key=hunter22")
    assert without.codes("http") == wrong.codes("http") == {"status_401"}
    assert "no credentials are sent" in without.step("http")["findings"][0]["cure"]
    assert "no credentials are sent" not in wrong.text and "hunter22" not in wrong.text


def test_where_grpc_is_spoken_the_port_of_http_is_looked_for(run: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def act(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(SETTINGS_FRAME)

    with Sink() as sink, listener(act) as port:
        monkeypatch.setattr(http, "_HTTP_PORT", sink.port)
        found = run("--endpoint", f"http://127.0.0.1:{port}", "--timeout", "2.5")
    assert found.codes("http") == {"grpc_only"}
    cure = found.step("http")["findings"][0]["cure"]
    assert cure == f"take http://127.0.0.1:{sink.port} as OTEL_EXPORTER_OTLP_ENDPOINT: HTTP is spoken there"


def test_sizes_are_looked_at_if_asked_for(run: Doctor) -> None:
    with Sink() as sink:
        assert run("--endpoint", sink.http_endpoint).step("limits")["outcome"] == "skipped"
        found = run("--endpoint", sink.http_endpoint, "--limits")
        assert sink.span_count == 2, "what only fills has no spans"
    assert (found.status, found.codes("limits")) == (0, {"large"})
    assert found.step("limits")["details"] == {"taken_bytes": 16 << 20, "refused_bytes": 0, "message": ""}


@pytest.mark.parametrize(
    ("most", "code", "taken", "refused"),
    [
        (600_000, "limit", 400_000, 1 << 20),
        (2 << 20, "limit", 1 << 20, 4 << 20),
        (200_000, "too_small", 128_000, 256_000),
        (10_000, "too_small", 0, 64_000),
    ],
)
def test_the_largest_request_that_is_taken_is_found(
    most: int, code: str, taken: int, refused: int, run: Doctor
) -> None:
    def act(connection: socket.socket) -> None:
        while head := _head(connection):
            length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0]) if head.startswith(b"POST") else 0
            left = length - len(head.partition(b"\r\n\r\n")[2])
            while left > 0:
                left -= len(connection.recv(min(left, 1 << 16))) or left
            connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n" if length > most else OK)

    with listener(act) as port:
        found = run("--endpoint", f"http://127.0.0.1:{port}", "--limits")
    assert (found.status, found.codes("limits")) == (0, {code})
    details = found.step("limits")["details"]
    assert (details["taken_bytes"], details["refused_bytes"]) == (taken, refused)
    assert "413" in details["message"]


def _head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    return data


def test_the_chain_is_shown_and_a_missing_link_is_named(run: Doctor, ca: trustme.CA, tmp_path: object) -> None:
    between = ca.create_child_ca()
    issued = between.issue_cert("localhost")
    chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
    environment = {"OTEL_EXPORTER_OTLP_CERTIFICATE": f"{tmp_path}/ca.pem"}
    with Sink(tls=TLS(chain, issued.private_key_pem.bytes())) as sink:
        whole = run("--endpoint", f"https://localhost:{sink.port}", **environment)
    with Sink(tls=TLS(issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes())) as sink:
        alone = run("--endpoint", f"https://localhost:{sink.port}", **environment)
    assert whole.status == 0
    details = whole.step("tls")["details"]
    own, intermediate = details["chain"]
    assert own == details["certificate"] and own["names"] == ["localhost"]
    assert own["issuer"] == intermediate["subject"] and not intermediate["self_signed"]
    assert details["milliseconds"] > 0
    assert (alone.status, alone.codes("tls")) == (1, {"unknown_issuer"})
    cure = alone.step("tls")["findings"][0]["cure"]
    assert (
        f"the server sends its own certificate alone: if {own['issuer']} is no root, it must send that one's, too"
        in cure
    )
