"""A batch that was never read before, delivered to a sink in another process: ours and the official exporter."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from pytest_benchmark.fixture import BenchmarkFixture

from spanwire.exporter.http import OTLPSpanExporter
from spanwire_bench._sink_process import SinkProcess


@pytest.fixture(scope="module")
def sink() -> Iterator[SinkProcess]:
    with SinkProcess() as process:
        yield process


@pytest.mark.benchmark(group="export")
@pytest.mark.parametrize("side", ["official", "spanwire"])
def test_export(benchmark: BenchmarkFixture, fresh: Callable[[], Any], sink: SinkProcess, side: str) -> None:
    exporter: SpanExporter
    exporter = OfficialExporter(sink.endpoint) if side == "official" else OTLPSpanExporter(sink.endpoint)
    before = sink.count()
    result = benchmark.pedantic(exporter.export, setup=fresh, rounds=20)  # type: ignore[no-untyped-call]
    assert result is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert sink.count() > before
