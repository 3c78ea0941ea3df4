"""``memory/…``: what finished spans hold while the backend is dead, and how a process grows meanwhile and recovers."""

from __future__ import annotations

import pathlib

from spanwire_bench._measure import in_turn
from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import (
    COMPARED,
    PIPELINES,
    compared,
    compared_sides,
    need_official,
    rounds_of,
    scaled,
    steps,
)

__all__ = ["SCENARIOS"]

_QUEUED_SPANS = 100_000
_QUEUED_ROUNDS = 2  # hardly differ
_QUEUED_SECONDS = {"sdk": 5.0, "spanwire": 0.6}  # a process
_QUEUED_TITLE = "Memory of a finished W5 span that waits for a dead backend"

_RATE = 5_000.0  # spans a second
_ALIVE, _DEAD, _AGAIN = 2.0, 3.0, 3.0  # seconds
_OUTAGE_SECONDS = 1.5  # a process, beside these
_OUTAGE_TITLE = "Memory before, during and after an outage of the backend"


def _need_proc() -> None:
    if not pathlib.Path("/proc/self/statm").exists():
        raise Failed("memory is read from /proc, which this system does not have")


def _queued_seconds(settings: Settings) -> float:
    return rounds_of(settings, _QUEUED_ROUNDS) * sum(
        1 + seconds * settings.scale for seconds in _QUEUED_SECONDS.values()
    )


def _run_queued(settings: Settings, step: Step) -> Outcome:
    from spanwire_bench._fresh import ChildFailed
    from spanwire_bench.memory import measure_queued

    _need_proc()
    need_official()
    spans = scaled(_QUEUED_SPANS, settings, least=2_000)
    rounds = rounds_of(settings, _QUEUED_ROUNDS)
    try:
        found = measure_queued(spans, rounds, steps(step, rounds * len(COMPARED)))
    except ChildFailed as error:
        raise Failed(str(error)) from None
    sides = compared_sides(settings)
    what = (
        f"Resident memory that {spans:,} spans add to a fresh process whose backend is gone, per span; garbage "
        "collected before both readings. "
        "The SDK's queue is given room for all of them."
    )
    rows = tuple(compared(sides, found.grown, divided_by=spans))
    return Outcome("memory/queued", _QUEUED_TITLE, what, rows, unit="bytes")


def _outage_seconds(settings: Settings) -> float:
    sides = compared_sides(settings)
    phases = (_ALIVE + _DEAD + _AGAIN) * settings.scale
    return rounds_of(settings, 1) * len(sides) * (_OUTAGE_SECONDS + phases)


def _run_outage(settings: Settings, step: Step) -> Outcome:
    from spanwire_bench._outage import ChildFailed, Phases, measure

    _need_proc()
    need_official(settings.sides)
    phases = Phases(*(max(0.1, seconds * settings.scale) for seconds in (_ALIVE, _DEAD, _AGAIN)))
    sides = compared_sides(settings)
    rounds = rounds_of(settings, 1)
    progress = steps(step, rounds * len(sides))
    found: dict[str, list[Row]] = {side: [] for side in sides}
    try:
        for number in range(rounds):
            for side in in_turn(sides, number):
                one = measure(PIPELINES[side], phases, rate=_RATE)
                lost = one.made - one.received
                kept = "none lost" if not lost else f"{lost:,} lost"
                found[side].append(
                    Row(
                        side,
                        (float(one.peak),),
                        delivered=one.received,
                        series=one.series,
                        note=f"of {one.made:,} spans {kept}",
                    )
                )
                progress(1)
    except ChildFailed as error:
        raise Failed(str(error)) from None
    dead, again = phases.alive, phases.alive + phases.dead
    what = (
        "Resident memory of a fresh process beyond what it had when set up: at its peak, and over time. It makes "
        f"{_RATE:,.0f} W5 spans a second; "
        f"from {dead:g} s to {again:g} s connections are refused. Queues as they are by default (SDK: 2,048 spans, "
        "further ones are lost; "
        "spanwire: 64 MiB), so what is lost is to be seen beside it."
    )
    return Outcome(
        "memory/outage",
        _OUTAGE_TITLE,
        what,
        tuple(_together(rows) for rows in found.values()),
        unit="bytes",
        per="process",
        plot="series",
        reference=None,  # whoever loses spans needs no memory for them
        axis="seconds",
        stretches=((dead, again, "no backend"),),
    )


def _together(rows: list[Row]) -> Row:
    """All rounds of a side; series and note are the first's."""
    first = rows[0]
    return Row(
        first.side,
        tuple(row.samples[0] for row in rows),
        delivered=sum(row.delivered or 0 for row in rows),
        series=first.series,
        note=first.note if len(rows) == 1 else f"first round: {first.note}",
    )


SCENARIOS = (
    Scenario("memory/queued", _QUEUED_TITLE, COMPARED, _queued_seconds, _run_queued),
    Scenario("memory/outage", _OUTAGE_TITLE, COMPARED, _outage_seconds, _run_outage),
)
