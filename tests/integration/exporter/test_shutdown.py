"""Ending: flushing, interrupting, and after the end."""

import inspect
import os
import signal
import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink

from .conftest import MakeExporter, counts
from .servers import OK, ScriptedServer, answer

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


class Exporting:
    """An export in a thread of its own."""

    def __init__(self, exporter: OTLPSpanExporter, spans: Spans) -> None:
        self._result: list[SpanExportResult] = []
        self._thread = threading.Thread(target=lambda: self._result.append(exporter.export(spans)))
        self._thread.start()

    def result(self) -> SpanExportResult:
        self._thread.join(60)
        return self._result[0]


def test_shutdown_interrupts_a_back_off_at_once(spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(times=None, status=503, retry_after=60)
    exporter = make_exporter(sink.traces_endpoint, timeout=600)
    export = Exporting(exporter, spans)
    while sink.attempt_count == 0:
        time.sleep(0.01)
    time.sleep(0.1)  # the answer arrives; were it still under way, the test would be the next one's
    exporter.shutdown(timeout_millis=30_000)
    assert export.result() is FAILURE
    assert counts(exporter)["dropped"] == {"shutdown": 10}
    assert sink.attempt_count == 1


def test_shutdown_leaves_its_timeout_to_a_request_under_way(
    spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(delay=0.5)
    exporter = make_exporter(sink.traces_endpoint)
    export = Exporting(exporter, spans)
    while sink.attempt_count == 0:
        time.sleep(0.01)
    exporter.shutdown(timeout_millis=30_000)
    assert export.result() is SUCCESS
    assert counts(exporter)["exported"] == 10


def test_shutdown_cuts_a_request_that_outlasts_its_timeout(spans: Spans, make_exporter: MakeExporter) -> None:
    release = threading.Event()
    with ScriptedServer([lambda _: release.wait(60) and False]) as server:
        exporter = make_exporter(server.endpoint, timeout=600)
        export = Exporting(exporter, spans)
        server.wait_for_request(1)
        exporter.shutdown(timeout_millis=100)
        account = counts(exporter)  # at once
        assert (account["queued"], account["dropped"]) == (0, {"shutdown": 10})
        assert export.result() is FAILURE
        release.set()


@pytest.mark.parametrize("method", ["shutdown", "force_flush"])
def test_a_signal_handler_runs_while_a_dead_backend_is_waited_for(
    method: str, spans: Spans, make_exporter: MakeExporter
) -> None:
    class Terminated(Exception):
        pass

    def terminate(*_: object) -> None:
        raise Terminated

    release = threading.Event()
    before = signal.signal(signal.SIGUSR1, terminate)
    try:
        with ScriptedServer([lambda _: release.wait(60) and False]) as server:
            exporter = make_exporter(server.endpoint, timeout=20)
            export = Exporting(exporter, spans)
            server.wait_for_request(1)

            def wait() -> None:
                threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                getattr(exporter, method)(timeout_millis=15_000)

            start = time.monotonic()
            with pytest.raises(Terminated):  # also if it comes before the wait has begun
                wait()
            assert time.monotonic() - start < 10  # a hang guard: without the handler it would be 15
            exporter.shutdown(timeout_millis=0)
            release.set()
            export.result()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_shutdown_is_idempotent_and_later_exports_fail_with_one_warning(
    spans: Spans, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    exporter.shutdown()
    exporter.shutdown()
    assert [exporter.export(spans) for _ in range(3)] == [FAILURE] * 3
    assert caplog.text.count("Exporter already shutdown, ignoring batch") == 1
    assert sink.attempt_count == 0
    assert counts(exporter)["dropped"] == {"shutdown": 30}


def test_shutdown_of_one_exporter_leaves_another_alone(spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    first, second = make_exporter(sink.traces_endpoint), make_exporter(sink.traces_endpoint)
    first.shutdown()
    assert second.export(spans) is SUCCESS


def test_shutdown_closes_the_kept_connection(spans: Spans, make_exporter: MakeExporter) -> None:
    closed = threading.Event()

    class Watching(ScriptedServer):
        def _serve(self, connection: object) -> None:
            super()._serve(connection)  # type: ignore[arg-type]
            closed.set()

    with Watching() as server:
        exporter = make_exporter(server.endpoint)
        assert exporter.export(spans) is SUCCESS
        assert not closed.is_set()
        exporter.shutdown()
        assert closed.wait(60)


def test_the_batch_processor_can_pass_a_timeout() -> None:
    # It looks for this name in the signature before it passes what is left of its own timeout.
    assert "timeout_millis" in inspect.getfullargspec(OTLPSpanExporter().shutdown).args


def test_force_flush_waits_for_what_other_threads_have_under_way(spans: Spans, make_exporter: MakeExporter) -> None:
    release = threading.Event()
    with ScriptedServer([lambda connection: release.wait(60) and answer(OK)(connection)]) as server:
        exporter = make_exporter(server.endpoint, timeout=60)
        assert exporter.force_flush()
        export = Exporting(exporter, spans)
        server.wait_for_request(1)
        assert exporter.force_flush(timeout_millis=1) is False
        release.set()
        assert exporter.force_flush(timeout_millis=30_000) is True
        assert counts(exporter)["exported"] == 10
        assert export.result() is SUCCESS


def test_the_gil_is_free_while_an_export_waits(spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(delay=60)
    exporter = make_exporter(sink.traces_endpoint, timeout=50)
    export = Exporting(exporter, spans)
    while sink.attempt_count == 0:
        time.sleep(0.001)
    # This thread runs Python code while the other one is inside export(): it sees the request under way, and ends it.
    for _ in range(10):
        assert spanwire.stats()["traces"][exporter._client.destination]["queued"] == 10
    exporter.shutdown(timeout_millis=0)
    assert export.result() is FAILURE
    assert counts(exporter)["dropped"] == {"shutdown": 10}


def test_many_threads_share_an_exporter_and_a_bounded_number_of_connections(
    spans: Spans, make_exporter: MakeExporter
) -> None:
    with ScriptedServer() as server:
        exporter = make_exporter(server.endpoint, timeout=60)
        results: list[SpanExportResult] = []

        def work() -> None:
            results.extend(exporter.export(spans) for _ in range(20))

        threads = [threading.Thread(target=work) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert results == [SUCCESS] * 600
        assert server.connections <= 8
    assert counts(exporter)["exported"] == 6000


def test_the_sdks_batch_processor_delivers_everything_through_it(sink: Sink) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=100))
    tracer = provider.get_tracer("tests")
    for _ in range(1_000):
        with tracer.start_as_current_span("work"):
            pass
    provider.shutdown()
    assert sink.span_count == 1_000
    assert counts(exporter)["exported"] == 1_000
