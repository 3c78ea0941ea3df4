"""``spanwire bench trace``: what creating a span costs, by the SDK's trace module and by ours, interleaved in one run.

Each case is measured in rounds, both sides in each, on one core, cyclic garbage collection off. How many operations a
sample has is found out beforehand, for each side, so that all samples take about as long. The loops are in
``_trace_loops``, the cases with their goals in ``_trace_cases``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire_bench._measure import Comparison, Figure, collector_off, cores, pinned

if TYPE_CHECKING:
    from spanwire_bench._costs import Cost
    from spanwire_bench._trace_cases import Case
    from spanwire_bench._trace_loops import Run
    from spanwire_bench._trace_sides import Side

__all__ = ["Result", "measure", "quiet", "trace"]

_ALLOCATING = (
    *("w5", "w5-child", "w10", "scope", "start-end", "unsampled-root", "unsampled-child"),
    *("context-variable", "context-variable-within", "enum-member"),  # what is CPython's own in these
)
_ALLOCATING_OPERATIONS = 1000
_PROFILED = ("w5", "unsampled-root", "unsampled-child")
_COUNTED_OPERATIONS = {"official": 1000, "spanwire": 10_000}  # enough to tell from what differs between two starts
_SAMPLED_SECONDS = 2.0
_SIDES = ("official", "spanwire")


@dataclass(frozen=True, slots=True)
class Result:
    """A case and what it took: ns an operation."""

    case: Case
    times: Comparison

    @property
    def met(self) -> bool | None:
        """Whether the ratio of minima reaches the goal; None without one."""
        from spanwire_bench._trace_cases import TOLERANCE

        goal = self.case.goal
        if goal is None:
            return None
        return self.times.ratio_of_minima >= (goal if goal > 1 else goal * (1 - TOLERANCE))

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "case": self.case.name,
            "group": self.case.group,
            "what": self.case.what,
            "note": self.case.note,
            "unit": "ns per operation",
            "times": self.times.as_json(),
            "goal": self.case.goal,
            "goal_met": self.met,
        }


def measure(
    case: Case, sides: Sequence[Side], *, rounds: int, sample_ns: float, progress: Callable[[int], None]
) -> Result:
    """One case, both sides in each of ``rounds``, which take turns in who is first; ``progress`` is told of each round."""
    with ExitStack() as closing:
        for side in sides:
            closing.enter_context(side)
        runs = [case.make(side) for side in sides]
        with collector_off():
            counts = [_calibrate(run, sample_ns) for run in runs]
            samples: tuple[list[float], list[float]] = ([], [])
            for number in range(rounds):
                for which in (0, 1) if number % 2 else (1, 0):
                    samples[which].append(runs[which](counts[which]))
                progress(1)
    return Result(case, Comparison(Figure.of(samples[0]), Figure.of(samples[1])))


def _calibrate(run: Run, sample_ns: float) -> int:
    """How many operations take about ``sample_ns``. Warms everything up on the way: caches, pools, specialised code."""
    count = 100
    while True:
        taken = run(count) * count
        if taken >= sample_ns / 4:
            return max(100, round(count * sample_ns / taken))
        count *= 2


def trace(
    case: Annotated[
        list[str] | None,
        typer.Option(help="A case, or what the names of several begin with; may be repeated. [default: all]"),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Samples of each case and side.")] = 15,
    sample: Annotated[float, typer.Option(min=0.01, help="Length of a sample in ms.")] = 20.0,
    allocations: Annotated[bool, typer.Option(help="Count memory allocations instead of time.")] = False,
    profile: Annotated[bool, typer.Option(help="Instead: instructions and time by function.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """CPU to create a span: the SDK against spanwire.trace."""
    from spanwire_bench import _report, _trace_cases, _trace_report
    from spanwire_bench._trace_sides import Side

    # What evicts is warned of by both sides; printing that is not what is asked here.
    with quiet():
        chosen, unknown = _trace_cases.select(case)
        if unknown:
            names = ", ".join(one.name for one in _trace_cases.CASES)
            _report.fail(f"spanwire bench: no case {', '.join(unknown)}; there are {names}")
        if allocations:
            _count_allocations(chosen if case else _named(_ALLOCATING), as_json=as_json, color=color)
            return
        if profile:
            _show_profile(chosen if case else _named(_PROFILED), as_json=as_json, color=color)
            return
        core = cores()[-1] if cores() else None
        results: list[Result] = []
        with _report.progress("tracing", rounds * len(chosen), shown=not as_json) as step:
            for one in chosen:
                with pinned(core if one.pinned else None):
                    sides = [Side(name) for name in _SIDES]
                    results.append(measure(one, sides, rounds=rounds, sample_ns=sample * 1e6, progress=step))
        method = {
            "rounds": rounds,
            "sample_ms": sample,
            "clock": "CPU time; for calls on spans monotonic, median of the spans",
            "pinned_to_core": core,
            "cyclic_gc": "collected before, off while timing",
        }
        if as_json:
            print(json.dumps(_report.document("bench trace", method, [one.as_json() for one in results]), indent=2))
        else:
            _trace_report.show_trace(results, method, color=color)


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of what evicts: both sides give them."""
    logger = logging.getLogger("opentelemetry")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _named(names: Sequence[str]) -> list[Case]:
    from spanwire_bench._trace_cases import select

    return select(list(names))[0]


def _count_allocations(cases: Sequence[Case], *, as_json: bool, color: bool) -> None:
    from spanwire_bench import _report, _trace_allocations, _trace_report
    from spanwire_bench._costs import Unavailable

    try:
        with _report.progress("counting", len(cases) * len(_SIDES), shown=not as_json) as step:
            counted = []
            for case in cases:
                for side in _SIDES:
                    counted.append(_trace_allocations.count(case.name, side, _ALLOCATING_OPERATIONS))
                    step(1)
    except Unavailable as error:
        _report.fail(f"spanwire bench: {error}")
    method = {"operations": _ALLOCATING_OPERATIONS, "counted_by": "glibc mtrace, sys.getallocatedblocks, tracemalloc"}
    if as_json:
        rows = [one.as_json() for one in counted]
        print(json.dumps(_report.document("bench trace --allocations", method, rows), indent=2))
    else:
        _trace_report.show_allocations(counted, method, color=color)


def _show_profile(cases: Sequence[Case], *, as_json: bool, color: bool) -> None:
    from spanwire_bench import _callgrind, _perf, _report, _trace_report
    from spanwire_bench._costs import Profile

    ways: dict[str, Callable[[str, str], list[Cost]]] = {
        "instructions": lambda name, side: _callgrind.count(name, side, _COUNTED_OPERATIONS[side]),
        "ns": lambda name, side: _perf.sample(name, side, _SAMPLED_SECONDS),
    }
    found: list[Profile] = []
    missing: list[str] = []
    with _report.progress("profiling", len(cases) * len(_SIDES) * len(ways), shown=not as_json) as step:
        for unit, way in ways.items():
            with _noted(missing):
                for case in cases:
                    for side in _SIDES:
                        found.append(Profile(case.name, side, unit, way(case.name, side)))
                        step(1)
    if not found:
        _report.fail(f"spanwire bench: {'; '.join(missing)}")
    method = {"instructions": "callgrind, two runs that differ in length", "ns": "perf, cpu-clock", "missing": missing}
    if as_json:
        rows = [one.as_json() for one in found]
        print(json.dumps(_report.document("bench trace --profile", method, rows), indent=2))
    else:
        _trace_report.show_profile(found, method, color=color)


@contextmanager
def _noted(missing: list[str]) -> Iterator[None]:
    """What cannot be had is told, and the rest is shown."""
    from spanwire_bench._costs import Unavailable

    try:
        yield
    except Unavailable as error:
        missing.append(str(error))
