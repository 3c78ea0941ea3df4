"""A batch that was never read before, to bytes: ours and the official encoder's."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from spanwire import encode_spans
from spanwire_bench.encode import official_encoder


@pytest.mark.benchmark(group="encode")
@pytest.mark.parametrize("side", ["official", "spanwire"])
def test_encode(benchmark: BenchmarkFixture, fresh: Callable[[], Any], side: str) -> None:
    encoder = official_encoder() if side == "official" else encode_spans
    assert encoder is not None, "pip install opentelemetry-exporter-otlp-proto-http"
    assert benchmark.pedantic(encoder, setup=fresh, rounds=20)  # type: ignore[no-untyped-call]
