"""Every scenario that there is, in the order in which they are run and shown."""

from __future__ import annotations

from collections.abc import Iterable

from spanwire.cli.bench.suite import (
    _scenarios_columns,
    _scenarios_create,
    _scenarios_encode,
    _scenarios_export,
    _scenarios_import,
    _scenarios_latency,
    _scenarios_memory,
    _scenarios_threads,
)
from spanwire.cli.bench.suite._scenario import Scenario

__all__ = ["SCENARIOS", "UnknownScenario", "select"]

SCENARIOS: tuple[Scenario, ...] = (
    *_scenarios_export.SCENARIOS,
    *_scenarios_create.SCENARIOS,
    *_scenarios_encode.SCENARIOS,
    *_scenarios_latency.SCENARIOS,
    *_scenarios_threads.SCENARIOS,
    *_scenarios_memory.SCENARIOS,
    *_scenarios_import.SCENARIOS,
    *_scenarios_columns.SCENARIOS,
)


class UnknownScenario(Exception):
    """A name that no scenario has or begins with; the text is that name."""


def select(names: Iterable[str] = ()) -> tuple[Scenario, ...]:
    """Those that have one of ``names``, else those that begin with it, whatever the case, in the catalogue's order; without names all.

    ``export/`` is a whole group, and so is ``export``, which leaves ``export-gzip`` out. Raises UnknownScenario.
    """
    chosen: set[str] = set()
    asked = [name.lower() for name in names]
    if not asked:
        return SCENARIOS
    for name in asked:
        found = (
            [one.name for one in SCENARIOS if one.name.lower() == name]
            or [one.name for one in SCENARIOS if one.group == name]
            or [one.name for one in SCENARIOS if one.name.lower().startswith(name)]
        )
        if not found or not name:
            raise UnknownScenario(name)
        chosen.update(found)
    return tuple(one for one in SCENARIOS if one.name in chosen)
