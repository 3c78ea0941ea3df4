"""``otel.sdk.*`` of a batch processor whose spans the native worker sends: nothing more is lost than without, and the totals are those
of ``stats()``."""

import os
import time
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from spanwire.filters import SpanFilter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.integration.exporter.conftest import MakeExporter, counts
from tests.property.trace.newest import pytestmark as newest

HOUR = 3_600_000.0
EXPORTED, PROCESSED = "otel.sdk.exporter.span.exported", "otel.sdk.processor.span.processed"
INFLIGHT, DURATION = "otel.sdk.exporter.span.inflight", "otel.sdk.exporter.operation.duration"
Sums = dict[str | None, Any]


@pytest.fixture(autouse=True)
def _wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")


class Meters:
    """A meter provider, and what it was told."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader])

    def said(self) -> dict[str, Sums]:
        """By name: by ``error.type`` values, of histograms how many."""
        data = self.reader.get_metrics_data()
        scopes = (
            [] if data is None else [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        )
        found: dict[str, Sums] = {}
        for metric in (metric for scope in scopes for metric in scope.metrics):
            sums = found.setdefault(metric.name, {})
            for point in metric.data.data_points:
                error: Any = (point.attributes or {}).get("error.type")
                sums[error] = sums.get(error, 0) + (point.count if hasattr(point, "count") else point.value)
        assert not [name for name in found if not name.startswith("otel.sdk.")]
        return found


def tracer_of(processor: BatchSpanProcessor) -> Any:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider.get_tracer("tests")


def end(tracer: Any, spans: int, name: str = "span") -> None:
    for _ in range(spans):
        tracer.start_span(name).end()


def wait_until(condition: Any, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@newest
def test_an_outage_that_outlasts_the_timeout_loses_nothing(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, times=None)
    meters = Meters()
    exporter = make_exporter(sink.traces_endpoint, timeout=0.2, meter_provider=meters.provider)
    processor = BatchSpanProcessor(
        exporter, schedule_delay_millis=HOUR, max_export_batch_size=100, meter_provider=meters.provider
    )
    end(tracer_of(processor), 1000)
    wait_until(lambda: counts(exporter)["requests"] >= 3)
    said = meters.said()
    assert EXPORTED not in said and DURATION not in said
    assert said[INFLIGHT][None] + said["otel.sdk.processor.span.queue.size"][None] == 1000
    assert said[PROCESSED] == said[INFLIGHT] != {None: 0}
    sink.clear_faults()
    assert processor.force_flush(30_000)
    said = meters.said()
    assert (counts(exporter)["exported"], counts(exporter)["dropped"]) == (1000, {})
    assert said[EXPORTED] == said[PROCESSED] == {None: 1000}
    assert said[INFLIGHT] == said["otel.sdk.processor.span.queue.size"] == {None: 0}
    assert set(said[DURATION]) == {None} and said[DURATION][None] >= 10
    processor.shutdown()
    assert sink.span_count == 1000
    meters.provider.shutdown()


@newest
def test_what_is_lost_is_counted_as_by_the_stats(sink: Sink, make_exporter: MakeExporter) -> None:
    meters = Meters()
    exporter = make_exporter(sink.traces_endpoint, timeout=0.3, meter_provider=meters.provider)
    processor = BatchSpanProcessor(
        exporter,
        schedule_delay_millis=HOUR,
        max_queue_size=20,
        max_export_batch_size=10,
        meter_provider=meters.provider,
    )
    tracer = tracer_of(processor)
    for fault in ({"status": 400}, {"rejected": 3, "message": "too many"}, {}):
        if fault:
            sink.inject(**fault, times=1)
        end(tracer, 7)
        assert processor.force_flush()
    sink.inject(status=503, times=None)
    end(tracer, 60)
    wait_until(lambda: "queue_full" in counts(exporter)["dropped"])
    processor.shutdown()
    end(tracer, 2)
    account, said = counts(exporter), meters.said()
    exported, processed = said[EXPORTED], said[PROCESSED]
    assert exported.pop(None) == account["exported"] == 11
    late = processed.pop("already_shutdown")
    assert late >= 2
    assert processed.pop(None) == account["exported"] + sum(exported.values())
    lost = dict(exported)
    lost["queue_full"] = lost.get("queue_full", 0) + processed.pop("queue_full")
    lost["shutdown"] = lost.get("shutdown", 0) + late
    assert processed == {}
    assert lost == account["dropped"]
    assert {"refused", "rejected", "queue_full"} < set(lost)
    assert said[INFLIGHT] == {None: 0}
    assert said[DURATION][None] == said[DURATION]["refused"] == said[DURATION]["rejected"] == 1
    meters.provider.shutdown()


@newest
def test_what_a_filter_leaves_out_is_processed_and_neither_exported_nor_an_error(
    sink: Sink, make_exporter: MakeExporter
) -> None:
    meters = Meters()
    exporter = make_exporter(sink.traces_endpoint, meter_provider=meters.provider)
    processor = BatchSpanProcessor(
        exporter,
        schedule_delay_millis=HOUR,
        span_filter=SpanFilter(names=["noise"], is_inverted=True),
        meter_provider=meters.provider,
    )
    tracer = tracer_of(processor)
    end(tracer, 3)
    end(tracer, 5, "noise")
    assert processor.force_flush()
    end(tracer, 2, "noise")
    assert processor.force_flush()
    said = meters.said()
    assert said[EXPORTED] == {None: 3} and said[PROCESSED] == {None: 10} and said[INFLIGHT] == {None: 0}
    assert (counts(exporter)["exported"], counts(exporter)["dropped"]) == (3, {"stage": 7})
    processor.shutdown()
    meters.provider.shutdown()


def test_a_reader_of_the_exporters_alone_hears_of_it_without_a_flush(sink: Sink, make_exporter: MakeExporter) -> None:
    meters = Meters()
    exporter = make_exporter(sink.traces_endpoint, meter_provider=meters.provider)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=20)
    end(tracer_of(processor), 5)
    wait_until(lambda: meters.said().get(DURATION) is not None)
    said = meters.said()
    assert (said[EXPORTED], said[INFLIGHT], said[DURATION]) == ({None: 5}, {None: 0}, {None: 1})
    processor.shutdown()
    meters.provider.shutdown()


@newest
def test_a_forked_child_counts_what_it_has_sent_itself(sink: Sink, make_exporter: MakeExporter) -> None:
    meters = Meters()
    exporter = make_exporter(sink.traces_endpoint, meter_provider=meters.provider)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR, meter_provider=meters.provider)
    tracer = tracer_of(processor)
    end(tracer, 5)
    assert processor.force_flush()
    end(tracer, 4)  # the parent's
    before = meters.said()
    child = os.fork()
    if child == 0:
        grown: Any = None
        try:
            end(tracer, 3)
            processor.force_flush()
            now = meters.said()
            grown = [now[name][None] - before[name][None] for name in (EXPORTED, PROCESSED, DURATION, INFLIGHT)]
        finally:
            os._exit(0 if grown == [3, 3, 1, 0] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert processor.force_flush()
    assert meters.said()[EXPORTED] == meters.said()[PROCESSED] == {None: 9}
    processor.shutdown()
    meters.provider.shutdown()
    assert sink.span_count == 12


@newest
def test_processors_that_share_a_queue_count_each_for_itself(sink: Sink, make_exporter: MakeExporter) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    both = [Meters(), Meters()]
    for meters, most in zip(both, (100, 4), strict=True):
        exporter = make_exporter(sink.traces_endpoint, meter_provider=meters.provider)
        processor = BatchSpanProcessor(
            exporter,
            schedule_delay_millis=HOUR,
            max_queue_size=most,
            max_export_batch_size=4,
            meter_provider=meters.provider,
        )
        provider.add_span_processor(processor)
    end(provider.get_tracer("tests"), 10)
    assert provider.force_flush()
    lossless, lossy = (meters.said() for meters in both)
    assert lossless[EXPORTED] == lossless[PROCESSED] == {None: 10}
    assert sum(lossy[PROCESSED].values()) == 10
    assert lossy[EXPORTED][None] == lossy[PROCESSED][None]
    provider.shutdown()
    for meters in both:
        meters.provider.shutdown()
