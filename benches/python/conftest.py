"""Spans for the benchmarks; each round gets ones that were never read."""

from collections.abc import Callable, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from spanwire_bench import _workloads

BATCH = 512


@pytest.fixture(params=_workloads.NAMES)
def fresh(request: pytest.FixtureRequest) -> Callable[[], tuple[tuple[Sequence[ReadableSpan]], dict[str, object]]]:
    """A set-up function for ``benchmark.pedantic``: a new batch of the workload as the only argument."""
    return lambda: ((_workloads.make(request.param, BATCH),), {})
