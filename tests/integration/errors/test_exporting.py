"""Messages of exporting, provoked: log lines and ``last_error``, each of which docs/errors.md explains."""

import signal
import subprocess
import sys
import threading
from enum import Enum
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

import spanwire
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.integration.errors.explained import assert_explained, last_error, lines
from tests.integration.exporter.conftest import MakeExporter
from tests.integration.exporter.servers import OK, ScriptedServer, answer
from tests.processes import Ended, python
from tests.spans import span


class Kind(Enum):
    """None of OTLP's."""

    SIDEWAYS = 99


FAILURE, SUCCESS = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
HOUR = 3_600_000


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
from spanwire._telemetry import worker_events
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

worker_events.listen = lambda: None  # the thread that says what there is to say comes too late
provider = TracerProvider()
exporter = OTLPSpanExporter(sys.argv[1])
provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=1, schedule_delay_millis=3_600_000))
for _ in range(300):
    provider.get_tracer("tests").start_span("span").end()
provider.force_flush()
"""


def run(program: str, sink: Sink) -> Ended:
    return python("-c", program, sink.traces_endpoint)


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


LIMITED = """
import os, resource, sys
import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.spans import span

exporter = OTLPSpanExporter(sys.argv[1])
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))
tracer = provider.get_tracer("tests")
exporter.export([span()])
tracer.start_span("imports what is imported late").end()
provider.force_flush()
child = os.fork()
if child == 0:
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        if os.getuid() == 0:
            os.setuid(65534)  # whose processes are limited, as root's are not
    except OSError:
        os._exit(0)
    exporter.export([span()])
    tracer.start_span("waits").end()
    assert not provider.force_flush()
    (account,) = spanwire.stats()["traces"].values()
    print(account["last_error"], account["queued"], sep="\\n", flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_no_threads_are_given_to_the_native_part(sink: Sink) -> None:
    done = run(LIMITED, sink)
    if not done.stdout:
        pytest.skip("not applicable: this process may not become another user")
    error, queued = done.stdout.splitlines()
    assert_explained(error, "worker-cannot-start")
    assert queued == "1"
    lost, waits = done.stderr.splitlines()
    assert_explained(lost, "spans-are-lost")
    assert_explained(waits, "sending-thread")


FORK = """
import os, signal, sys
from spanwire.exporter.http import OTLPSpanExporter
from tests.spans import span

def fork(*_):
    global child
    child = os.fork()

signal.signal(signal.SIGALRM, fork)
exporter = OTLPSpanExporter(sys.argv[1], timeout=60)
outcome = exporter._client.export([span()])
if child == 0:
    print(outcome.message, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(outcome.message)
"""


def test_a_fork_inside_of_an_export() -> None:
    child_has_spoken = threading.Event()
    with (
        ScriptedServer([lambda connection: child_has_spoken.wait(60) and answer(OK)(connection)]) as server,
        subprocess.Popen(
            [sys.executable, "-c", FORK, server.endpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        server.wait_for_request(1)
        process.send_signal(signal.SIGALRM)
        childs = process.stdout.readline()
        child_has_spoken.set()
        parents, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert_explained(childs.rstrip("\n"), "forked-while-waiting")
    assert parents == "None\n"
    assert len(server.bodies) == 1
