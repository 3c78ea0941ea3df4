"""W5 as columns to a request and back: ours, beside the official encoder and parser on as many spans."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_benchmark.fixture import BenchmarkFixture

from spanwire.columnar import decode_columns, encode_columns
from spanwire_bench import _workloads
from spanwire_bench.columns import LAYOUTS, make
from spanwire_bench.encode import official_encoder

ROWS = 512


def fresh() -> tuple[tuple[Any], dict[str, object]]:
    return (_workloads.make("W5", ROWS),), {}


@pytest.mark.benchmark(group="columns to requests")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_encode_columns(benchmark: BenchmarkFixture, layout: str) -> None:
    table = make(layout, ROWS)
    assert len(benchmark(encode_columns, table)) == 1


@pytest.mark.benchmark(group="columns to requests")
def test_encode_spans_officially(benchmark: BenchmarkFixture) -> None:
    encoder = official_encoder()
    assert encoder is not None, "pip install opentelemetry-exporter-otlp-proto-http"
    assert benchmark.pedantic(encoder, setup=fresh, rounds=20)  # type: ignore[no-untyped-call]


@pytest.mark.benchmark(group="requests to columns")
@pytest.mark.parametrize("side", ["official", "spanwire"])
def test_decode(benchmark: BenchmarkFixture, side: str) -> None:
    (request,) = map(bytes, encode_columns(make("S", ROWS)))
    decoders: dict[str, Callable[[bytes], Any]] = {
        "official": ExportTraceServiceRequest.FromString,
        "spanwire": decode_columns,
    }
    assert benchmark(decoders[side], request)
