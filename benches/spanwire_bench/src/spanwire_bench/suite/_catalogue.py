"""Every scenario that there is, in the order in which they are run and shown."""

from __future__ import annotations

from spanwire_bench.suite import (
    _scenarios_columns,
    _scenarios_create,
    _scenarios_encode,
    _scenarios_export,
    _scenarios_import,
    _scenarios_latency,
    _scenarios_memory,
    _scenarios_otel,
    _scenarios_threads,
)
from spanwire_bench.suite._scenario import Scenario

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    *_scenarios_export.SCENARIOS,
    *_scenarios_create.SCENARIOS,
    *_scenarios_encode.SCENARIOS,
    *_scenarios_latency.SCENARIOS,
    *_scenarios_threads.SCENARIOS,
    *_scenarios_memory.SCENARIOS,
    *_scenarios_import.SCENARIOS,
    *_scenarios_columns.SCENARIOS,
    *_scenarios_otel.SCENARIOS,
)
