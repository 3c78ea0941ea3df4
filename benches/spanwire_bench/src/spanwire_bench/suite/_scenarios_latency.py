"""``latency/…``: how long ``end()`` keeps its caller, whatever the backend does; as ``bench latency`` measures it."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

from spanwire_bench.suite._histogram import histogram
from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import (
    COMPARED,
    PIPELINES,
    compared_sides,
    need_official,
    rounds_of,
    scaled,
    steps,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanwire_bench.latency import Result
    from spanwire_bench.latency import Scenario as Case

__all__ = ["SCENARIOS"]

_ROUNDS = 3
_ENDS = 4_000  # of each side in a round
_RATE = 5_000.0  # spans a second: few enough that the SDK loses none on a slower machine
_SECONDS_A_PROCESS = 0.5  # beside the ends: start, warm-up, flush
_ATTEMPTS = 3  # the SDK's queue overflows where nobody takes what it sends for a third of a second
_SIDES = {pipeline: side for side, pipeline in PIPELINES.items()}
_TITLES = {
    "steady": "end() while batches are sent",
    "flush": "end() while another thread flushes",
    "refused": "end() while connections are refused",
    "silent": "end() while requests are never answered",
    "full": "end() with a full queue",
}
_WHAT = (
    "The call alone, by the monotonic clock, in fresh processes; W5 spans in bursts of 100, 5,000 a second, each side as it is by default. "
    "{} Two readings of the clock with nothing between are part of every value."
)


def _seconds(settings: Settings) -> float:
    a_process = _SECONDS_A_PROCESS + scaled(_ENDS, settings, least=200) / _RATE
    return 0.5 + rounds_of(settings, _ROUNDS) * len(compared_sides(settings)) * a_process


def _run(name: str, settings: Settings, step: Step) -> Outcome:
    from spanwire_bench.latency import SCENARIOS as KNOWN

    need_official(settings.sides)
    (scenario,) = (one for one in KNOWN if one.name == name)
    again = ""
    for left in reversed(range(_ATTEMPTS)):
        found = _measured(scenario, settings, step)
        lost = next((one for one in found if one.delivered not in {None, one.ends}), None)
        if lost is None:
            break
        if not left:
            raise Failed(f"{_SIDES[lost.side]}: {lost.ends} spans ended, {lost.delivered} received")
        again = " What was measured while the machine was so busy that a span was lost is left out."
    rows = tuple(row for one in found for row in _rows(_SIDES[one.side], one))
    what = _WHAT.format(f"{scenario.what[0].upper()}{scenario.what[1:]}.") + again
    return Outcome(
        f"latency/{name}",
        _TITLES[name],
        what,
        rows,
        per="call",
        plot="histogram",
        axis="how long end() took, ns",
    )


def _measured(scenario: Case, settings: Settings, step: Step) -> list[Result]:
    """All rounds. Raises Failed."""
    from spanwire_bench._fresh import ChildFailed
    from spanwire_bench._sink_process import SinkProcess
    from spanwire_bench.latency import measure

    sides = [PIPELINES[side] for side in compared_sides(settings)]
    rounds = rounds_of(settings, _ROUNDS)
    try:
        with SinkProcess(settings.receiver_core) as sink:
            return measure(
                scenario,
                dict.fromkeys(sides, scaled(_ENDS, settings, least=200)),
                rounds=rounds,
                rate=_RATE,
                core=settings.sender_core,
                sink=sink,
                progress=steps(step, rounds * len(sides)),
            )
    except ChildFailed as error:
        raise Failed(str(error)) from None


def _rows(side: str, found: Result) -> Iterator[Row]:
    """A row a quantile, with a sample of each round; what is drawn is on the first."""
    note = f"of which the clock: {found.clock.p50:,} ns at the median, {found.clock.maximum:,} ns at most"
    first = histogram(itertools.chain.from_iterable(found.each))
    quantiles = [found.quantiles(number) for number in range(len(found.each))]
    yield Row(
        side,
        tuple(float(one.p50) for one in quantiles),
        at=0.5,
        delivered=found.delivered,
        histogram=first,
        note=note,
    )
    yield Row(side, tuple(float(one.p99) for one in quantiles), at=0.99)
    yield Row(side, tuple(float(one.p999) for one in quantiles), at=0.999)
    yield Row(side, tuple(float(one.maximum) for one in quantiles), at=1.0)


SCENARIOS = tuple(
    Scenario(f"latency/{name}", title, COMPARED, _seconds, partial(_run, name)) for name, title in _TITLES.items()
)
