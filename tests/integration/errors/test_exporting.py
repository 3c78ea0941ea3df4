"""Messages of exporting, provoked: log lines and ``last_error``, each of which docs/errors.md explains."""

import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import trustme
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import TLS, Fault, Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.integration.errors.explained import assert_explained
from tests.integration.exporter.conftest import MakeExporter, counts
from tests.integration.exporter.servers import ScriptedServer, answer
from tests.spans import span


class Kind(Enum):
    """None of OTLP's."""

    SIDEWAYS = 99


FAILURE, SUCCESS = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
HOUR = 3_600_000


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What spanwire's logger said."""
    return [record.getMessage() for record in caplog.records if record.name == "spanwire"]


def last_error(exporter: OTLPSpanExporter) -> str:
    error = counts(exporter)["last_error"]
    assert isinstance(error, str)
    return error


@pytest.mark.parametrize(
    "fault, slug, part",
    [
        (Fault(status=400, message="no"), "status", None),
        (Fault(status=401), "status", "are the credentials right (headers=, OTEL_EXPORTER_OTLP_HEADERS)?"),
        (Fault(status=403), "status", "are the credentials right (headers=, OTEL_EXPORTER_OTLP_HEADERS)?"),
        (Fault(status=413), "status", "lower max_export_batch_size"),
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
    exporter = make_exporter(sink.traces_endpoint, timeout=0.4)
    assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), slug, *([part] if part else []))
    (line,) = lines(caplog)
    assert_explained(line, "spans-are-lost")
    assert last_error(exporter) in line


def test_an_endpoint_without_its_path(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.http_endpoint)
    assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), "status", "an endpoint is used as it stands: should it end in /v1/traces?")
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
        exporter = make_exporter(server.endpoint, timeout=0.4)
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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    exporter = make_exporter(f"http://127.0.0.1:{port}/v1/traces", timeout=0.4)
    assert exporter.export([span()]) is FAILURE
    assert_explained(last_error(exporter), "cannot-connect")
    # A label of more than 63 characters: no name server has to be asked.
    exporter = make_exporter(f"http://{'x' * 64}.test/v1/traces", timeout=0.4)
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
            f"https://127.0.0.1:{silent.getsockname()[1]}/v1/traces", certificate_file=ca, timeout=0.3
        )
        assert exporter.export([span()]) is FAILURE
    assert last_error(exporter).startswith(("TLS failed: the handshake did not end", "no answer within the timeout"))


def test_a_request_over_its_limit(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.traces_endpoint, max_request_size=100)
    assert exporter.export([span(), span()]) is FAILURE
    assert_explained(last_error(exporter), "request-too-large")


@pytest.mark.parametrize(
    "made, kind, parts",
    [
        ({"attributes": {"k": 1 << 64}}, "attribute", ["integer beyond 64 bits"]),
        ({"attributes": {"k": "\ud800"}}, "attribute", ["lone surrogate in the value"]),
        ({"attributes": {"\ud800": 1}}, "attribute", ["lone surrogate in the key"]),
        ({"attributes": {"k": object()}}, "attribute", ["OTLP has no type for {}"]),
        ({"attributes": {7: 1}}, "attribute", ["the key is no string but {}"]),
        ({"kind": Kind.SIDEWAYS}, "field", ["OTLP has no kind for {}"]),
        ({"name": 7}, "field", ["no string but {}"]),
        ({"name": "\ud800"}, "field", ["lone surrogates, replaced by U+FFFD"]),
        ({"context": None}, "span", []),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_otlp_cannot_hold(
    made: dict[str, Any], kind: str, parts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    spanwire.encode_spans([span(**{"kind": SpanKind.CLIENT, **made})])
    (line,) = lines(caplog)
    article = "an" if kind == "attribute" else "a"
    assert_explained(line, "left-out", f"spanwire: left out {article} {kind}", *parts)


def test_values_within_values_without_an_end(caplog: pytest.LogCaptureFixture) -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    spanwire.encode_spans([span(attributes={"deep": deep})])
    (line,) = lines(caplog)
    assert_explained(line, "left-out", "nested too deeply")


def test_what_is_no_batch_of_spans(sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(7) is FAILURE  # type: ignore[arg-type]  # on purpose
    assert_explained(last_error(exporter), "batch-not-encoded")
    assert exporter.export([span(), object()]) is SUCCESS  # type: ignore[list-item]  # on purpose
    assert_explained(last_error(exporter), "batch-not-encoded")
    assert any("left out a span" in line for line in lines(caplog))


def test_an_export_that_fails_inside(
    sink: Sink, make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def export(self, spans: object) -> None:
            raise RuntimeError("a defect")

    exporter = make_exporter(sink.traces_endpoint)
    with monkeypatch.context() as broken:
        broken.setattr(exporter, "_client", Broken())
        assert exporter.export([span()]) is FAILURE
    (line,) = lines(caplog)
    assert_explained(line, "internal-error")
    assert "RuntimeError('a defect')" in line


def test_spans_after_the_shutdown(sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=HOUR))
    tracer = provider.get_tracer("tests")
    provider.shutdown()
    caplog.clear()
    tracer.start_span("late").end()
    spanwire.stats()
    assert_explained(last_error(exporter), "shut-down")
    exporter.export([span()])
    exporter.shutdown()
    assert_explained(last_error(exporter), "shut-down")
    assert len(lines(caplog)) == 2
    for line in lines(caplog):
        assert_explained(line, "exporter-shut-down")


class Failing(SpanExporter):
    """Raises, or answers FAILURE."""

    def __init__(self, *, raises: bool) -> None:
        self._raises = raises

    def export(self, spans: object) -> SpanExportResult:
        if self._raises:
            raise KeyError("credentials")
        return FAILURE


@pytest.mark.parametrize("raises", [True, False])
def test_an_exporter_in_python_that_fails(raises: bool, caplog: pytest.LogCaptureFixture) -> None:
    kind = type(f"Failing{raises}", (Failing,), {})
    processor = BatchSpanProcessor(kind(raises=raises), schedule_delay_millis=HOUR)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span("span").end()
    processor.force_flush()
    (account,) = [counts for name, counts in spanwire.stats()["traces"].items() if f"Failing{raises}" in name]
    assert_explained(account["last_error"], "exporter-raised")
    assert "credentials" not in account["last_error"]
    if raises:
        (record,) = [record for record in caplog.records if record.name.startswith("opentelemetry")]
        assert_explained(record.getMessage(), "exporter-raised")
    provider.shutdown()


MANY = """
import sys
from spanwire import _events
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

_events.listen = lambda: None  # the thread that says what there is to say comes too late
provider = TracerProvider()
exporter = OTLPSpanExporter(sys.argv[1])
provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=1, schedule_delay_millis=3_600_000))
for _ in range(300):
    provider.get_tracer("tests").start_span("span").end()
provider.force_flush()
"""


def run(program: str, sink: Sink) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", program, sink.traces_endpoint]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_more_messages_than_can_be_kept(sink: Sink) -> None:
    sink.inject(status=400, times=None)
    lost, missed = run(MANY, sink).stderr.splitlines()
    assert_explained(lost, "spans-are-lost")
    assert_explained(missed, "messages-missed")
    assert missed.startswith("44 ")


def test_a_thread_that_the_system_does_not_give(
    sink: Sink, make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In front of an exporter in Python, whose thread is Python's."""
    processor = BatchSpanProcessor(Failing(raises=False), schedule_delay_millis=HOUR)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", refuse)
        provider.get_tracer("tests").start_span("span").end()
    (line,) = lines(caplog)
    assert_explained(line, "sending-thread")
    assert "can't start new thread" in line
    provider.shutdown()


FORK = """
import os, signal, sys, threading
from spanwire.exporter.http import OTLPSpanExporter
from tests.spans import span

def fork(*_):
    global child
    child = os.fork()

signal.signal(signal.SIGALRM, fork)
signal.setitimer(signal.ITIMER_REAL, 0.3)
exporter = OTLPSpanExporter(sys.argv[1])
outcome = exporter._client.export([span()])
if child == 0:
    print(outcome.message, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(outcome.message)
"""


def test_a_fork_inside_of_an_export(sink: Sink) -> None:
    sink.inject(delay=1.0)
    done = run(FORK, sink)
    childs, parents = done.stdout.splitlines()
    assert_explained(childs, "forked-while-waiting")
    assert parents == "None"
    assert sink.span_count == 1
