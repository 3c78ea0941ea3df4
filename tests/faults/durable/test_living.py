"""Somebody writes into the files of a process that lives: what cannot be read is counted, and the rest is sent."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest

import spanwire
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.books import check_books, since
from tests.faults.durable.kills import until

SPANS, LATER = 30_000, 500
BLOCK, FRAMES, COMMITTED = 1 << 20, 4096 + (64 << 10), 128


def _blocks(queue: Path) -> "list[tuple[Path, int]]":
    """The file and the place of each block."""
    files = sorted(queue.rglob("*.spans"))
    return [(file, place) for file in files for place in range(4096, file.stat().st_size, BLOCK)]


def _write(place: "tuple[Path, int]", at: int, what: bytes) -> None:
    file, block = place
    descriptor = os.open(file, os.O_WRONLY)
    os.pwrite(descriptor, what, block + at)
    os.close(descriptor)


@pytest.mark.parametrize("what", [b"\0" * 4_000, b"\xff" * 4_000, bytes(range(256)) * 16])
def test_a_damaged_block_costs_no_more_than_itself(
    what: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Sink() as sink:
        sink.inject(status=503, times=None)
        exporter = OTLPSpanExporter(
            endpoint=sink.traces_endpoint, durable=DurableQueue(tmp_path / "queue", service="tests")
        )
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
        tracer = provider.get_tracer("tests")
        before = _books(sink)

        def spans(numbers: range) -> None:
            for number in numbers:
                tracer.start_span(str(number), attributes={"text": "x" * 100}).end()

        spans(range(SPANS))
        blocks = _blocks(tmp_path / "queue")
        for block in blocks[1:4]:
            _write(block, FRAMES + 300_000, what)
        _write(blocks[4], COMMITTED, b"\xff" * 8)
        failures = spanwire.stats()["durable"][0]["failures"]
        spans(range(SPANS, SPANS + LATER))
        with caplog.at_level(logging.WARNING):
            sink.clear_faults()
            assert provider.force_flush()
            spans(range(SPANS + LATER, SPANS + 2 * LATER))
            assert provider.force_flush()
            until(lambda: _books(sink)["queued"] == 0, "all is sent")
            books = since(before, _books(sink))
            provider.shutdown()
        arrived = sorted(int(span.name) for span in sink.spans())
        lost = set(range(SPANS + 2 * LATER)).difference(arrived)
        assert books["accepted"] == SPANS + 2 * LATER == books["exported"] + sum(books["dropped"].values())
        assert books["dropped"].keys() == {"damaged"}  # also of the span whose end alone is: the backend refuses it
        assert books["dropped"]["damaged"] > 3 * 500
        assert len(arrived) == books["exported"] == len(set(arrived))
        assert len(lost) < 3 * 5_000
        assert max(lost) < SPANS  # nothing of what came later
        lines = [record.getMessage() for record in caplog.records if "could not be read" in record.getMessage()]
        assert len(lines) == 1
        assert spanwire.stats()["durable"] == [] or spanwire.stats()["durable"][0]["failures"] == failures


def _books(sink: Sink) -> "dict[str, Any]":
    accounts = spanwire.stats()["traces"]
    check_books(accounts, at_rest=False)
    books: dict[str, Any] = accounts.get(sink.traces_endpoint, {})
    return books
