"""``export_columns``: columns through the engine, its bounds and its accounting."""

import os
import signal
import threading
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult

import spanwire
from spanwire.columnar import Group, SpanColumns, Strings, encode_columns
from spanwire.sink import Sink
from tests.books import check_books
from tests.ports import refusing
from tests.post import until
from tests.property.columnar import tables

from .conftest import MakeExporter, counts

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def columns(rows: int, **fields: Any) -> SpanColumns:
    draw = np.random.default_rng(rows)
    usual: dict[str, Any] = {
        "trace_id": draw.integers(1, 256, (rows, 16), np.uint8),
        "span_id": draw.integers(1, 256, (rows, 8), np.uint8),
        "start": np.arange(rows) + 1,
        "end": np.arange(rows) + 2,
        "name": "GET",
        "attributes": {"row": np.arange(rows)},
    }
    return SpanColumns(**{**usual, **fields})


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_all_spans_arrive_once_in_requests_of_bounded_size(
    sink: Sink, make_exporter: MakeExporter, compression: str
) -> None:
    exporter = make_exporter(sink.traces_endpoint, compression=compression)
    table = columns(10_000)
    assert exporter.export_columns(table, {"service.name": "shop"}, "bulk", max_request_bytes=50_000) is SUCCESS
    spans = sink.spans()
    assert sorted(span.attributes["row"] for span in spans) == list(range(10_000))
    assert {span.span_id for span in spans} == {one.tobytes().hex() for one in table.span_id}
    assert {(span.resource_attributes["service.name"], span.scope_name) for span in spans} == {("shop", "bulk")}
    assert len(sink.requests()) > 10
    assert all(len(request.body) <= 50_000 for request in sink.requests())
    got = counts(exporter)
    assert (got["accepted"], got["exported"], got["dropped"], got["requests"]) == (
        10_000,
        10_000,
        {},
        len(sink.requests()),
    )


def test_the_body_is_what_encode_columns_gives(sink: Sink, make_exporter: MakeExporter) -> None:
    table = tables.make(7).columns
    assert len(table) > 10
    assert make_exporter(sink.traces_endpoint).export_columns(table, threads=2) is SUCCESS
    [request] = sink.requests()
    assert request.body == bytes(encode_columns(table)[0])


def test_a_span_that_fits_no_request_is_dropped_and_counted_and_the_rest_goes_through(
    sink: Sink, make_exporter: MakeExporter
) -> None:
    texts = ["x"] * 500
    texts[100] = texts[499] = "y" * 5000
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export_columns(columns(500, attributes={"text": texts}), max_request_bytes=3000) is FAILURE
    assert sink.span_count == 498
    got = counts(exporter)
    assert (got["accepted"], got["exported"], got["dropped"]) == (500, 498, {"too_large": 2})
    check_books(spanwire.stats()["traces"])


def test_the_exporters_own_limit_counts_too(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.traces_endpoint, max_request_size=2000)
    assert exporter.export_columns(columns(200), max_request_bytes=1 << 20) is SUCCESS
    assert all(len(request.body) <= 2000 for request in sink.requests())
    assert sink.span_count == 200


def test_a_dead_backend_costs_spans_that_are_counted(make_exporter: MakeExporter) -> None:
    with refusing() as port:
        exporter = make_exporter(f"http://127.0.0.1:{port}/v1/traces", timeout=0.3)
        assert exporter.export_columns(columns(3000), max_request_bytes=100_000) is FAILURE
    got = counts(exporter)
    assert got["accepted"] == sum(got["dropped"].values()) == 3000
    check_books(spanwire.stats()["traces"])


def test_one_refused_request_does_not_stop_the_others(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=400, times=1)
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export_columns(columns(3000), max_request_bytes=50_000) is FAILURE
    got = counts(exporter)
    assert got["exported"] == sink.span_count
    assert got["dropped"] == {"refused": 3000 - sink.span_count}
    assert 0 < sink.span_count < 3000


def test_columns_that_cannot_be_encoded_are_refused_before_anything_is_sent(
    sink: Sink, make_exporter: MakeExporter
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    broken = columns(5000, name=Strings(np.arange(5001), b"x" * 4999))
    with pytest.raises(ValueError, match="name, row 4999: its offsets"):
        exporter.export_columns(broken, max_request_bytes=1000)
    with pytest.raises(ValueError, match="leave out resource="):
        exporter.export_columns(columns(1, groups=[Group()]), Resource({}))
    with pytest.raises(TypeError, match="columns must be SpanColumns, not dict"):
        exporter.export_columns({})  # type: ignore[arg-type]
    assert sink.attempt_count == 0


def test_after_shutdown_columns_are_dropped_and_counted(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    exporter.shutdown()
    assert exporter.export_columns(columns(5)) is FAILURE
    assert counts(exporter)["dropped"] == {"shutdown": 5}
    assert sink.attempt_count == 0


def test_no_rows_are_no_request(sink: Sink, make_exporter: MakeExporter) -> None:
    assert make_exporter(sink.traces_endpoint).export_columns(columns(0)) is SUCCESS
    assert sink.attempt_count == 0


def test_a_signal_interrupts_the_waiting_and_what_was_sent_is_counted(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(delay=20, times=2)
    exporter = make_exporter(sink.traces_endpoint, timeout=30)

    def interrupt() -> None:
        until(lambda: sink.attempt_count > 0)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        exporter.export_columns(columns(5000), max_request_bytes=20_000)
    thread.join()
    sink.clear_faults()
    exporter.shutdown(1000)
    account = counts(exporter)
    assert account["accepted"] == account["exported"] + sum(account["dropped"].values()) < 5000
