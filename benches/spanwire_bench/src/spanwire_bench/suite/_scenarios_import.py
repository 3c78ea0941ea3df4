"""``import/exporter``: the CPU of importing an exporter; as ``bench import`` measures it."""

from __future__ import annotations

from spanwire_bench._measure import pinned
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import COMPARED, compared, compared_sides, need_official, rounds_of, steps

__all__ = ["SCENARIOS"]

_ROUNDS = 7
_SECONDS_A_ROUND = 0.6
_TITLE = "Import the exporter"
_WHAT = (
    "CPU of a fresh interpreter that imports the exporter's class, beyond the median of one that does nothing. Both "
    "need the SDK, whose own import is part of both."
)


def _seconds(settings: Settings) -> float:
    return (2 + rounds_of(settings, _ROUNDS)) * _SECONDS_A_ROUND


def _run(settings: Settings, step: Step) -> Outcome:
    from spanwire_bench.imports import ImportFailed, measure

    need_official()
    rounds = rounds_of(settings, _ROUNDS)
    try:
        with pinned(settings.sender_core):
            found = measure(rounds, steps(step, rounds))
    except ImportFailed as error:
        raise Failed(str(error)) from None
    sides = compared_sides(settings)
    return Outcome("import/exporter", _TITLE, _WHAT, tuple(compared(sides, found.added_with_class)), per="process")


SCENARIOS = (Scenario("import/exporter", _TITLE, COMPARED, _seconds, _run),)
