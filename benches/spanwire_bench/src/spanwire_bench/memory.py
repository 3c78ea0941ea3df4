"""``spanwire bench memory``: what finished spans hold while the backend is dead, and what a process with nothing to do costs.

*Queued*: a fresh process exports to a sink, so that everything is set up, the sink goes away, and spans are made that stay in the
queue (the SDK is given room for them). Resident memory (``/proc/self/statm``), garbage collected before both readings.
*Idle*: fresh processes, all at the same time, export once and then sleep: their CPU time (``getrusage``), how often a thread of
theirs was switched to, and which threads they have beyond the main one. One of them has no tracing at all.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from spanwire_bench._measure import OFFICIAL_HINT, Comparison, Figure, has_official_exporter, in_turn

__all__ = ["GOAL_BYTES", "GOAL_CPU_NS", "GOAL_SPANS", "Idle", "Queued", "idle_goals", "memory"]

GOAL_BYTES = 25_000_000  # for GOAL_SPANS, at most
GOAL_SPANS = 100_000
GOAL_CPU_NS = 1_000_000  # beyond a process that only sleeps: what getrusage tells apart from nothing
GOAL_THREADS = 1


@dataclass(frozen=True, slots=True)
class Queued:
    """Bytes of resident memory that ``spans`` took, and how many of them were still queued at least."""

    spans: int
    grown: Comparison
    official_queued: int | None
    spanwire_queued: int | None

    @property
    def goal_met(self) -> bool | None:
        """None for another number of spans."""
        return self.grown.spanwire.median <= GOAL_BYTES if self.spans == GOAL_SPANS else None

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "what": "queued",
            "spans": self.spans,
            "unit": "bytes of resident memory",
            "grown": self.grown.as_json(),
            "official_queued": self.official_queued,
            "spanwire_queued": self.spanwire_queued,
            "goal": GOAL_BYTES if self.spans == GOAL_SPANS else None,
            "goal_met": self.goal_met,
        }


@dataclass(frozen=True, slots=True)
class Idle:
    """What a process that does nothing took: CPU in ns, switches of its threads; and its threads beyond the main one."""

    side: str
    seconds: float
    cpu_ns: int
    switches: int
    threads: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "what": "idle",
            "side": self.side,
            "seconds": self.seconds,
            "cpu_ns": self.cpu_ns,
            "switches": self.switches,
            "threads_beyond_main": list(self.threads),
        }


def idle_goals(idle: Sequence[Idle]) -> dict[str, tuple[str, bool]]:
    """What was asked of ours, with what came of it, and whether that is met."""
    nothing, ours = idle[0], idle[-1]
    cpu = ours.cpu_ns - nothing.cpu_ns
    return {
        f"idle, CPU in {ours.seconds:g} s beyond sleeping: {cpu / 1e6:.2f} ms": ("0", cpu <= GOAL_CPU_NS),
        f"idle, threads beyond the main one: {len(ours.threads)}": ("1", len(ours.threads) <= GOAL_THREADS),
    }


def measure_queued(spans: int, rounds: int, progress: Callable[[int], None]) -> Queued:
    """Each side in ``rounds`` fresh processes, in turn, a different one first each time. Raises ChildFailed."""
    from spanwire_bench import _pipelines

    grown: dict[str, list[float]] = {side: [] for side in _pipelines.NAMES}
    queued: dict[str, list[int]] = {side: [] for side in _pipelines.NAMES}
    for number in range(rounds):
        for side in in_turn(_pipelines.NAMES, number):
            said = _child("queued", side, spans)
            grown[side].append(said["grown"])
            if said["queued"] is not None:
                queued[side].append(said["queued"])
            progress(1)
    least = [min(queued[side], default=None) for side in _pipelines.NAMES]
    return Queued(spans, Comparison(*(Figure.of(grown[side]) for side in _pipelines.NAMES)), *least)


def measure_idle(seconds: float) -> list[Idle]:
    """A process without tracing, the SDK's and ours, at the same time. Raises ChildFailed."""
    from spanwire_bench import _memory_child, _pipelines

    def look(side: str) -> Idle:
        said = _child("idle", side, seconds)
        return Idle(side, seconds, said["cpu_ns"], said["switches"], tuple(said["threads"]))

    with ThreadPoolExecutor() as pool:
        return list(pool.map(look, (_memory_child.NOTHING, *_pipelines.NAMES)))


def _child(*arguments: object) -> dict[str, Any]:
    from spanwire_bench import _fresh, _memory_child

    said: dict[str, Any] = json.loads(_fresh.run(_memory_child.__name__, *arguments))
    return said


def memory(
    spans: Annotated[int, typer.Option(min=1, help="Finished spans that wait.")] = GOAL_SPANS,
    rounds: Annotated[int, typer.Option(min=1, help="Processes of each side that queue spans.")] = 3,
    idle: Annotated[float, typer.Option(min=0.0, help="Seconds that idle processes are watched for.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Memory of finished spans that nobody takes, and CPU and threads of an idle process: the SDK against spanwire."""
    from spanwire_bench import _pipelines, _pipelines_report, _report
    from spanwire_bench._fresh import ChildFailed

    if not has_official_exporter():
        _report.fail(OFFICIAL_HINT)
    if not pathlib.Path("/proc/self/statm").exists():
        _report.fail("spanwire bench: memory and threads are read from /proc, which this system does not have")
    try:
        with _report.progress("queueing", rounds * len(_pipelines.NAMES), shown=not as_json) as step:
            queued = measure_queued(spans, rounds, step)
        watched = measure_idle(idle)
    except ChildFailed as error:
        _report.fail(f"spanwire bench: {error}")
    method = {
        "workload": "W5",
        "processes": rounds,
        "memory": "/proc/self/statm, garbage collected before",
        "idle": "getrusage, all at the same time",
    }
    if as_json:
        goals = [{"what": what, "goal": asked, "met": met} for what, (asked, met) in idle_goals(watched).items()]
        rows: list[dict[str, object]] = [
            queued.as_json(),
            *(one.as_json() for one in watched),
            {"what": "idle goals", "goals": goals},
        ]
        print(json.dumps(_report.document("bench memory", method, rows), indent=2))
    else:
        _pipelines_report.show_memory(queued, watched, method, color=color)
