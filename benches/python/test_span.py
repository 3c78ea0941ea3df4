"""A span from start to end, made current, into nothing: ours and the SDK's."""

from collections.abc import Iterator

import pytest
from opentelemetry.trace import Tracer
from pytest_benchmark.fixture import BenchmarkFixture

from spanwire_bench import _trace_loops
from spanwire_bench._trace_sides import MODULES, Side

SPANS = 500  # a round


@pytest.fixture(params=MODULES)
def discarding(request: pytest.FixtureRequest) -> Iterator[Tracer]:
    with Side(request.param) as side:
        yield side.discarding()


@pytest.mark.benchmark(group="span")
@pytest.mark.parametrize("workload", [_trace_loops.w5, _trace_loops.w10], ids=["W5", "W10"])
def test_span(benchmark: BenchmarkFixture, discarding: Tracer, workload: object) -> None:
    benchmark.pedantic(workload, args=(discarding, SPANS), rounds=50, warmup_rounds=5)  # type: ignore[no-untyped-call]
