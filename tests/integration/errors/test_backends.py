"""Messages about what backends answer, or that they don't, provoked: docs/errors.md explains each."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.sink import TLS, Fault, Sink
from tests.integration.errors.explained import assert_explained, last_error, lines
from tests.integration.exporter.conftest import MakeExporter
from tests.integration.exporter.servers import ScriptedServer, answer
from tests.ports import refusing
from tests.spans import span

FAILURE, SUCCESS = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
SHORT = 0.75  # seconds: no second try begins within


@pytest.mark.parametrize(
    "fault, slug, part",
    [
        (Fault(status=400, message="no"), "status", None),
        (Fault(status=401), "status", "are the credentials right (headers=, OTEL_EXPORTER_OTLP_HEADERS)?"),
        (Fault(status=403), "status", "are the credentials right (headers=, OTEL_EXPORTER_OTLP_HEADERS)?"),
        (Fault(status=413, message="no more"), "request-too-large", None),
        (Fault(body_size=5 << 20), "response-too-large", None),
        (Fault(delay=60), "no-answer-in-time", None),
        (Fault(disconnect="close"), "connection-lost", None),
        (Fault(disconnect="reset"), "connection-lost", None),
        (Fault(status=503, message="later"), "status", None),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_backend_that_does_not_take_a_request(
    fault: Fault, slug: str, part: str | None, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sink.inject(fault, times=None)
    exporter = make_exporter(sink.traces_endpoint, timeout=SHORT)
    assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), slug, *([part] if part else []))
    (line,) = lines(caplog)
    assert_explained(line, "spans-are-lost")
    assert last_error(exporter) in line


def test_an_endpoint_without_its_path(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.http_endpoint)
    assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), "status", "an endpoint is used as it stands: should it end in {}?")
    assert_explained(last_error(exporter).split(": ", 1)[1].split("; ")[0], "sink-answers")


@pytest.mark.parametrize(
    "fault, slug",
    [
        (Fault(rejected=2, message="too old"), "rejected"),
        (Fault(message="please upgrade"), "backend-says"),
    ],
    ids=["rejects some", "has a remark"],
)
def test_a_backend_that_takes_a_request_and_says_something(
    fault: Fault, slug: str, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sink.inject(fault)
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export([span(), span(), span()]) is SUCCESS
    (line,) = lines(caplog)
    assert_explained(line, slug)


def test_what_answers_is_no_otlp_and_says_200(make_exporter: MakeExporter) -> None:
    page = b"<html>Please log in</html>"
    with ScriptedServer([answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page))]) as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export([span()]) is SUCCESS
    assert_explained(last_error(exporter), "answer-not-otlp")


def test_what_answers_is_no_http(make_exporter: MakeExporter) -> None:
    with ScriptedServer([answer(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", keep=False)] * 9) as server:
        exporter = make_exporter(server.endpoint, timeout=SHORT)
        assert exporter.export([span()]) is FAILURE
    assert_explained(
        last_error(exporter),
        "connection-lost",
        "; this is no HTTP/1.1 server: a gRPC port (OTLP/HTTP usually has 4318), or one that expects https://?",
    )


def test_a_redirect(make_exporter: MakeExporter) -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: https://u:hunter2@elsewhere.test/v1\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([answer(moved)]) as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), "redirected")
    assert "elsewhere.test" in last_error(exporter)
    assert "hunter2" not in last_error(exporter)


def test_nobody_listens_and_nobody_has_that_name(make_exporter: MakeExporter) -> None:
    with refusing() as port:
        exporter = make_exporter(f"http://127.0.0.1:{port}/v1/traces", timeout=SHORT)
        assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), "cannot-connect")
    # A label of more than 63 characters: no name server has to be asked.
    exporter = make_exporter(f"http://{'x' * 64}.test/v1/traces", timeout=SHORT)
    assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), "cannot-resolve")


def test_how_often_it_was_tried_is_said(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, retry_after=0, times=None)
    exporter = make_exporter(sink.traces_endpoint, timeout=10)
    assert exporter.export([span()]) is FAILURE
    assert last_error(exporter).endswith(" requests made)")
    assert_explained(last_error(exporter), "tries-and-interruption")


def test_a_shutdown_ends_a_back_off(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, retry_after=60, times=None)
    exporter = make_exporter(sink.traces_endpoint, timeout=600)
    with ThreadPoolExecutor(1) as pool:
        exporting = pool.submit(exporter.export, [span()])
        while sink.attempt_count == 0:
            assert not exporting.done()
        exporter.shutdown()
        assert exporting.result(30) is FAILURE
    assert last_error(exporter).endswith("(interrupted by shutdown)")
    assert_explained(last_error(exporter), "tries-and-interruption")


def test_a_certificate_of_an_unknown_authority(tmp_path: Path, make_exporter: MakeExporter) -> None:
    theirs, other = trustme.CA().issue_cert("localhost"), trustme.CA()
    cert, key, ca = (str(tmp_path / name) for name in ("cert.pem", "key.pem", "ca.pem"))
    theirs.cert_chain_pems[0].write_to_path(cert)
    theirs.private_key_pem.write_to_path(key)
    other.cert_pem.write_to_path(ca)
    with Sink(tls=TLS(cert, key)) as sink:
        exporter = make_exporter(f"https://localhost:{sink.port}/v1/traces", certificate_file=ca)
        assert exporter.export([span()]) is FAILURE
    advice = "; give the CA that issued the server's certificate as certificate_file="
    assert_explained(last_error(exporter), "tls-failed", advice)


def test_a_handshake_that_is_not_answered(tmp_path: Path, make_exporter: MakeExporter) -> None:
    ca = str(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(ca)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        exporter = make_exporter(
            f"https://127.0.0.1:{silent.getsockname()[1]}/v1/traces", certificate_file=ca, timeout=SHORT
        )
        assert exporter.export([span()]) is FAILURE
    assert last_error(exporter).startswith(("TLS failed: the handshake did not end", "no answer within the timeout"))
