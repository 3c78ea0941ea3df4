"""What is tried again, when, and until when. Elapsed times are only ever checked against lower bounds and deadlines."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.sink import Sink
from tests.ports import free_port, refusing

from .conftest import MakeExporter, counts
from .servers import ScriptedServer, answer

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_retryable_status_is_tried_again_with_the_same_bytes(
    status: int, spans: Spans, make_exporter: MakeExporter
) -> None:
    busy = f"HTTP/1.1 {status} Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".encode()
    with ScriptedServer([answer(busy), answer(busy)]) as server:
        exporter = make_exporter(server.endpoint, compression="gzip")
        assert exporter.export(spans) is SUCCESS
        assert len(set(server.bodies)) == 1
        assert server.connections == 1
    got = counts(exporter)
    assert (got["requests"], got["retries"], got["exported"]) == (3, 2, 10)
    assert got["bytes"] == 3 * len(server.bodies[0])


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 405, 408, 415, 500, 501, 505, 507, 599])
def test_any_other_status_is_final(status: int, spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=status, message="because I say so", retry_after=0)
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is FAILURE
    assert sink.attempt_count == 1
    got = counts(exporter)
    assert got["dropped"] == {"refused": 10}
    assert f"status {status}" in got["last_error"]
    if status != 304:  # which has no body
        assert "because I say so" in got["last_error"]


def test_retry_after_in_seconds_is_obeyed(spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, retry_after=1)
    begin = time.monotonic()
    assert make_exporter(sink.traces_endpoint).export(spans) is SUCCESS
    assert time.monotonic() - begin >= 1


def test_retry_after_as_a_date_is_obeyed(spans: Spans, make_exporter: MakeExporter) -> None:
    when = (datetime.now(timezone.utc) + timedelta(seconds=2)).replace(microsecond=0)
    busy = f"HTTP/1.1 503 Busy\r\nRetry-After: {format_datetime(when, usegmt=True)}\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([answer(busy.encode())]) as server:
        assert make_exporter(server.endpoint).export(spans) is SUCCESS
    assert datetime.now(timezone.utc) >= when


def test_without_a_hint_the_first_delay_is_a_second_give_or_take_a_fifth(
    spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(status=503)
    begin = time.monotonic()
    assert make_exporter(sink.traces_endpoint).export(spans) is SUCCESS
    assert time.monotonic() - begin >= 0.8


def test_a_hint_past_the_deadline_gives_up_at_once(
    spans: Spans, sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sink.inject(status=503, retry_after=3600, message="come back later")
    exporter = make_exporter(sink.traces_endpoint, timeout=60)  # waiting would be a time-out of the test
    assert exporter.export(spans) is FAILURE
    assert counts(exporter)["dropped"] == {"exhausted": 10}
    assert "come back later" in caplog.text


def test_a_server_that_always_says_at_once_is_asked_six_times(
    spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(times=None, status=503, retry_after=0)
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is FAILURE
    assert sink.attempt_count == 6
    assert counts(exporter)["retries"] == 5


def test_a_refused_connection_is_tried_again_until_somebody_listens(spans: Spans, make_exporter: MakeExporter) -> None:
    port = free_port()
    exporter = make_exporter(f"http://127.0.0.1:{port}/v1/traces", timeout=60)
    results: list[SpanExportResult] = []
    thread = threading.Thread(target=lambda: results.append(exporter.export(spans)))
    thread.start()
    with ScriptedServer(port=port) as server:
        thread.join(90)
        assert results == [SUCCESS]
        assert len(server.bodies) == 1


def test_nobody_listening_is_a_counted_failure_that_says_where(
    spans: Spans, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing() as port:
        exporter = make_exporter(f"http://127.0.0.1:{port}/v1/traces", timeout=2)
        assert exporter.export(spans) is FAILURE
    assert counts(exporter)["dropped"] == {"exhausted": 10}
    assert f"cannot connect to 127.0.0.1:{port}" in caplog.text


@pytest.mark.parametrize("timeout", [1.5, 2.7])
def test_the_timeout_is_a_deadline_over_all_tries(
    timeout: float, spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(status=503, retry_after=0)
    sink.inject(times=None, delay=30)
    exporter = make_exporter(sink.traces_endpoint, timeout=timeout)
    begin = time.monotonic()
    assert exporter.export(spans) is FAILURE
    assert time.monotonic() - begin >= timeout
    assert time.monotonic() - begin < 20  # a hang guard: far from the server's 30
    assert counts(exporter)["dropped"] == {"exhausted": 10}


def test_a_silent_server_is_a_timeout(spans: Spans, sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(delay=30)
    exporter = make_exporter(sink.traces_endpoint, timeout=2)
    assert exporter.export(spans) is FAILURE
    assert counts(exporter)["dropped"] == {"timeout": 10}


def test_a_connection_of_a_request_given_up_is_not_used_again(
    spans: Spans, sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(delay=30)
    exporter = make_exporter(sink.traces_endpoint, timeout=2)
    assert exporter.export(spans) is FAILURE
    assert exporter.export(spans) is SUCCESS
    assert counts(exporter)["connections"] == 2
