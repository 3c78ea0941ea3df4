"""``otel/…``: the OpenTelemetry specification's performance benchmark, by the names that it gives its cases.

Its span has no parent, the default kind, one integer attribute and one event (in *Create Spans* ten attributes of text), of a resource with
service.name, service.version and service.instance.id, and is sampled always. Whoever makes it is on one core, the receiver on another.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from spanwire_bench._measure import in_turn
from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import COMPARED, PIPELINES, compared_sides, need_official, rounds_of, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spanwire_bench._otel import Load

__all__ = ["SCENARIOS"]

_PROCESSORS = ("batch", "simple")
_RATE = 10_000.0  # spans a second: the specification's default
_LOAD_SECONDS = 15.0  # of a run: the least that it suggests
_CREATE_SECONDS = 0.5
_CREATE_ROUNDS = 5
_START_SECONDS = 1.0  # of a process and its receiver
_RUNS = "It asks for ten runs or more: --rounds 10."
_SPAN = "spans with one integer attribute and one event"


@contextmanager
def _failing() -> Iterator[None]:
    from spanwire_bench._fresh import ChildFailed
    from spanwire_bench._otel import Lost

    try:
        yield
    except (ChildFailed, Lost) as error:
        raise Failed(str(error)) from None


# --- Create Spans ----------------------------------------------------------------------------------------------------

_CREATE_TITLE = "Create Spans: created and exported in a second by a core"


def _create_seconds(settings: Settings) -> float:
    a_process = _START_SECONDS + 1.25 * _CREATE_SECONDS * settings.scale
    return rounds_of(settings, _CREATE_ROUNDS) * len(compared_sides(settings)) * a_process


def _run_create(settings: Settings, step: Step) -> Outcome:
    from spanwire_bench import _otel

    need_official(settings.sides)
    sides = compared_sides(settings)
    rounds = rounds_of(settings, _CREATE_ROUNDS)
    progress = steps(step, rounds * len(sides))
    found: dict[str, list[_otel.Created]] = {side: [] for side in sides}
    with _failing():
        for number in range(rounds):
            for side in in_turn(sides, number):
                found[side].append(
                    _otel.create(
                        PIPELINES[side],
                        seconds=_CREATE_SECONDS * settings.scale,
                        core=settings.sender_core,
                        receiver_core=settings.receiver_core,
                    )
                )
                progress(1)
    rows = tuple(
        Row(
            side,
            tuple(one.a_second for one in runs),
            delivered=sum(one.received for one in runs),
            note=_statistics([one.a_second for one in runs], ",.0f"),
        )
        for side, runs in found.items()
    )
    where = "that is kept on one core" if settings.sender_core is not None else "that no core is kept for"
    what = (
        "The OpenTelemetry specification's throughput: spans with ten attributes (names and values of 20 characters) "
        "and one event that a "
        f"process {where}, its threads included, creates and delivers by its batch processor over HTTP in a second. "
        f"{_RUNS}"
    )
    return Outcome("otel/create-spans", _CREATE_TITLE, what, rows, unit="spans/s", per="core", lower_is_better=False)


# --- CPU Usage -------------------------------------------------------------------------------------------------------


def _cpu_title(processor: str) -> str:
    return f"CPU Usage: {_RATE:,.0f} spans a second, {processor} processor"


def _cpu_seconds(settings: Settings) -> float:
    alone = 1 + 1 / 15
    a_process = _START_SECONDS + _LOAD_SECONDS * alone * settings.scale
    return rounds_of(settings, 1) * len(compared_sides(settings)) * a_process


def _run_cpu(processor: str, settings: Settings, step: Step) -> Outcome:
    from spanwire_bench import _otel

    need_official(settings.sides)
    sides = compared_sides(settings)
    rounds = rounds_of(settings, 1)
    progress = steps(step, rounds * len(sides))
    found: dict[str, list[Load]] = {side: [] for side in sides}
    with _failing():
        for number in range(rounds):
            for side in in_turn(sides, number):
                found[side].append(
                    _otel.load(
                        PIPELINES[side],
                        rate=_RATE,
                        seconds=_LOAD_SECONDS * settings.scale,
                        simple=processor == "simple",
                        core=settings.sender_core,
                        receiver_core=settings.receiver_core,
                    )
                )
                progress(1)
    rows = tuple(_cpu_row(side, runs) for side, runs in found.items())
    whose = "simple processor, a request each," if processor == "simple" else "batch processor"
    what = (
        "The OpenTelemetry specification's instrumentation cost: CPU of a process that does nothing but make "
        f"{_RATE:,.0f} {_SPAN} a second, "
        f"delivered by its {whose} over HTTP, in percent of a core; over {_LOAD_SECONDS * settings.scale:g} s. Where a "
        "core is not enough "
        f"for so many, what they would take. {_RUNS}"
    )
    return Outcome(f"otel/cpu-usage-{processor}", _cpu_title(processor), what, rows, unit="%", per="core")


def _cpu_row(side: str, runs: Sequence[Load]) -> Row:
    first = runs[0]
    peak = max(percent for _, percent in first.percents)
    said = [
        f"at most {peak:.3g} % in a second",
        f"{100 * first.loop_cpu / first.seconds:.2g} % is the loop that keeps the rate",
    ]
    if not first.kept_up:
        said.insert(0, f"made only {first.reached:,.0f} spans a second")
    if more := _statistics([one.percent for one in runs], ".3g"):
        said.append(more)
    return Row(
        side,
        tuple(one.percent for one in runs),
        delivered=sum(one.received for one in runs),
        series=first.percents,
        note="; ".join(said),
    )


# --- Memory Usage ----------------------------------------------------------------------------------------------------


_MEMORY_TITLE = f"Memory Usage: {_RATE:,.0f} spans a second"


def _memory_seconds(settings: Settings) -> float:
    return _cpu_seconds(settings) / max(1, len(compared_sides(settings)))


def _run_memory(settings: Settings, step: Step) -> Outcome:
    """The sides run at the same time, since they do not share their memory."""
    from spanwire_bench import _otel

    need_official(settings.sides)
    sides = compared_sides(settings)
    rounds = rounds_of(settings, 1)
    progress = steps(step, rounds)
    found: dict[str, list[Load]] = {side: [] for side in sides}

    def measure(side: str) -> Load:
        return _otel.load(
            PIPELINES[side],
            rate=_RATE,
            seconds=_LOAD_SECONDS * settings.scale,
            simple=False,
            memory=True,
            core=None,
            receiver_core=None,
        )

    pool = ThreadPoolExecutor()
    try:
        with _failing():
            for _ in range(rounds):
                for side, one in zip(sides, pool.map(measure, sides), strict=True):
                    found[side].append(one)
                progress(1)
    finally:
        # Whoever is interrupted does not wait for the others, whose processes are ended then.
        pool.shutdown(wait=False, cancel_futures=True)
    rows = tuple(_memory_row(side, runs) for side, runs in found.items())
    what = (
        "The OpenTelemetry specification's memory usage: how far the resident memory of a process grows from its "
        "first span on, at most, while "
        f"it makes {_RATE:,.0f} {_SPAN} a second for {_LOAD_SECONDS * settings.scale:g} s, which a batch processor "
        f"delivers; one without a queue keeps nothing. The sides run at the same time. {_RUNS}"
    )
    return Outcome(
        "otel/memory-usage",
        _MEMORY_TITLE,
        what,
        rows,
        unit="bytes",
        per="process",
        plot="series",
        axis="seconds",
    )


def _memory_row(side: str, runs: Sequence[Load]) -> Row:
    peaks = [max(grown for _, grown in one.grown) for one in runs]
    said = [] if runs[0].kept_up else [f"made only {runs[0].reached:,.0f} spans a second"]
    if more := _statistics(peaks, ",.0f"):
        said.append(more)
    return Row(
        side,
        tuple(peaks),
        delivered=sum(one.received for one in runs),
        series=runs[0].grown,
        note="; ".join(said),
    )


def _statistics(samples: Sequence[float], form: str) -> str:
    """What the specification asks for; nothing of one run."""
    if len(samples) < 2:
        return ""
    return f"mean {statistics.mean(samples):{form}}, standard deviation {statistics.stdev(samples):{form}}"


SCENARIOS = (
    Scenario("otel/create-spans", _CREATE_TITLE, COMPARED, _create_seconds, _run_create),
    *(
        Scenario(f"otel/cpu-usage-{one}", _cpu_title(one), COMPARED, _cpu_seconds, partial(_run_cpu, one))
        for one in _PROCESSORS
    ),
    Scenario("otel/memory-usage", _MEMORY_TITLE, COMPARED, _memory_seconds, _run_memory),
)
