"""A destination that is away for so long that its files have all that they may: the oldest of its spans go, and nothing of others'."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import spanwire
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.books import since
from tests.faults.durable.kills import until

MOST = 16 << 20
FILE = (1 << 24) + 4096
TEXT = "x" * 3_000
SPANS = 3 * MOST // len(TEXT)


def _queue(folder: Path) -> DurableQueue:
    return DurableQueue(folder, service="tests", max_bytes=MOST, recover=False)


def _processor(sink: Sink, folder: Path) -> BatchSpanProcessor:
    exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint, durable=_queue(folder), timeout=2)
    return BatchSpanProcessor(exporter, schedule_delay_millis=20, max_export_batch_size=512)


def _end_spans(provider: TracerProvider, folder: Path, *, rate: int) -> None:
    tracer = provider.get_tracer("tests")
    begin = time.monotonic()
    for number in range(SPANS):
        tracer.start_span(str(number), attributes={"text": TEXT}).end()
        if number % 100 == 0:
            assert sum(file.stat().st_blocks * 512 for file in folder.glob("*/*")) <= MOST + 2 * FILE + (1 << 16)
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))


def _books(sink: Sink, before: "dict[str, Any]") -> "dict[str, Any]":
    books: dict[str, Any] = spanwire.stats()["traces"].get(sink.traces_endpoint, {})
    return since(before, books) if books else {}


def _failures(folder: Path) -> "list[tuple[int, str | None]]":
    reports = [one for one in spanwire.stats()["durable"] if Path(one["folder"]).parent == folder]
    assert reports
    return [(one["failures"], one["last_error"]) for one in reports if one["failures"]]


def _numbers(sink: Sink) -> "Counter[int]":
    return Counter(int(span.name) for span in sink.spans())


def _end_away(sink: Sink) -> int:
    """It is back; how many it is sent of what waits."""
    sink.clear_faults()
    until(lambda: not spanwire.stats()["traces"][sink.traces_endpoint]["queued"], "all that waited is sent")
    return sink.span_count


@pytest.mark.parametrize("beside", [True, False], ids=["beside one that is well", "alone"])
def test_the_oldest_go_of_a_destination_that_is_away_and_nothing_of_others(
    beside: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "queue"
    with Sink(max_bytes=1 << 28) as away, Sink(max_bytes=1 << 28) as well:
        away.inject(disconnect="reset", times=None)
        before = {sink: _books(sink, {}) for sink in (away, well)}
        provider = TracerProvider(shutdown_on_exit=False)
        for sink in (away, well) if beside else (away,):
            provider.add_span_processor(_processor(sink, folder))
        _end_spans(provider, folder, rate=4_000)
        if beside:
            until(lambda: well.span_count >= SPANS, "all is there that is for the one that is well")
            assert _numbers(well) == Counter(range(SPANS))
            books = _books(well, before[well])
            assert (books["accepted"], books["exported"], books["dropped"]) == (SPANS, SPANS, {})
        lost = _books(away, before[away])
        assert set(lost["dropped"]) == {"queue_full"}, lost
        assert lost["accepted"] == SPANS == lost["queued"] + lost["dropped"]["queue_full"]
        assert _failures(folder) == []
        arrived = _end_away(away)

        def account() -> tuple[int, dict[str, int]]:
            books = _books(away, before[away])
            return books["exported"], books["dropped"]

        # The worker books what the bound has pushed out in its next turn.
        until(lambda: account() == (arrived, {"queue_full": SPANS - arrived}), "all is booked")
        # Of blocks some room is for what spans have in common, and what is in hand is older.
        youngest = MOST * 80 // 100 // len(TEXT)
        assert set(_numbers(away)) >= set(range(SPANS - youngest, SPANS))
        # What raises its bound is named, and not what does not.
        lines = [record.getMessage() for record in caplog.records if " was full, " in record.getMessage()]
        assert lines
        assert all(
            line.startswith(f"Spans to {away.traces_endpoint} are lost: the durable queue was full, ") for line in lines
        )
        assert all("SPANWIRE_DURABLE_MAX_BYTES" in line and "OTEL_BSP" not in line for line in lines)
        provider.shutdown()
