"""After a long outage: what waits on the disk is sent oldest first and not faster than wanted, and what is fresh does not wait for it."""

import time
from pathlib import Path
from typing import Any

import spanwire
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.books import since
from tests.faults.durable.kills import until

RATE = 2_000
OLD, FRESH = 20_000, 200
BATCH = 500


def test_fresh_spans_go_beside_a_backlog_that_has_its_pace(tmp_path: Path) -> None:
    with Sink() as sink:
        before = _books(sink)
        sink.inject(status=503, times=None)
        durable = DurableQueue(tmp_path / "queue", service="tests", recover_per_second=RATE)
        exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint, durable=durable)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50, max_export_batch_size=BATCH))
        tracer = provider.get_tracer("tests")
        for number in range(OLD):
            tracer.start_span(str(number)).end()
        time.sleep(5.5)  # less is no outage
        begin = time.monotonic()
        sink.clear_faults()
        # What ends before the second request is sent is part of the backlog: it is split off then.
        until(lambda: sink.span_count >= 1_500, "the backend is back")
        for number in range(OLD, OLD + FRESH):
            tracer.start_span(str(number)).end()
        until(lambda: any(int(span.name) >= OLD for span in sink.spans()), "what is fresh arrives")
        books = since(before, _books(sink))
        assert books["accepted"] == OLD + FRESH == books["queued"] + books["exported"]
        until(lambda: sink.span_count >= OLD + FRESH - RATE, "the rest follows")
        # The first batches go before anybody sees that they are a backlog.
        assert time.monotonic() - begin > (OLD - 4 * RATE) / RATE * 0.8
        assert provider.force_flush()  # at once, whatever the pace
        arrived = [int(span.name) for span in sink.spans()]
        assert sorted(arrived) == list(range(OLD + FRESH))
        old = [number for number in arrived if number < OLD]
        # But for the request that was on its way when the rest was split off: either may arrive first.
        assert max(abs(number - at) for at, number in enumerate(old)) <= BATCH, "the oldest first"
        assert next(at for at, number in enumerate(arrived) if number >= OLD) < OLD, "before what is old"
        books = since(before, _books(sink))
        assert (books["exported"], books["queued"], books["dropped"]) == (OLD + FRESH, 0, {})
        provider.shutdown()


def _books(sink: Sink) -> "dict[str, Any]":
    books: dict[str, Any] = spanwire.stats()["traces"].get(sink.traces_endpoint, {})
    return books
