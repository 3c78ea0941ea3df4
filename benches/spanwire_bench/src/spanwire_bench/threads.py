"""``spanwire bench threads``: CPU a span when several threads make spans at once, by the SDK and by ours.

Each number of threads and side has a fresh process in each round, the sides in turn, a different one first each time. CPU is that of the whole process (``getrusage``) from the moment when the
waiting threads are let go until what they made has been flushed to a sink in another process. Nothing is pinned, since threads on
several cores are what contend. The sink counts; if a span is missing, no figure is given. The SDK's queue has room for all spans.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire_bench._measure import OFFICIAL_HINT, Comparison, Figure, has_official_exporter, in_turn

if TYPE_CHECKING:
    from spanwire_bench._sink_process import SinkProcess

__all__ = ["GOAL", "Result", "measure", "threads"]

GOAL = 1.3  # times one thread's CPU, at most
_THREADS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Result:
    """CPU a span in ns of so many threads, and the same of one."""

    threads: int
    cpu: Comparison
    one_thread: Comparison

    @property
    def goal_met(self) -> bool | None:
        """None for one thread."""
        return None if self.threads == 1 else self.of_one("spanwire") <= GOAL

    def of_one(self, side: str) -> float:
        """Times one thread's CPU: the minima."""
        many: Figure = getattr(self.cpu, side)
        one: Figure = getattr(self.one_thread, side)
        return many.minimum / one.minimum

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "threads": self.threads,
            "unit": "ns per span",
            "process_cpu": self.cpu.as_json(),
            "official_times_one_thread": self.of_one("official"),
            "spanwire_times_one_thread": self.of_one("spanwire"),
            "goal": None if self.threads == 1 else GOAL,
            "goal_met": self.goal_met,
        }


class Lost(Exception):
    """Not every span arrived."""


def measure(
    counts: Sequence[int], spans: dict[str, int], *, rounds: int, sink: SinkProcess, progress: Callable[[int], None]
) -> list[Result]:
    """``spans`` are made by each side in each of ``rounds``; 1 must be in ``counts``. Raises Lost, ChildFailed."""
    samples: dict[tuple[int, str], list[float]] = {(threads, side): [] for threads in counts for side in spans}
    for number in range(rounds):
        for threads in counts:
            for side in in_turn(spans, number):
                samples[threads, side].append(_sample(side, threads, spans[side], sink))
                progress(1)
    found = {threads: Comparison(*(Figure.of(samples[threads, side]) for side in spans)) for threads in counts}
    return [Result(threads, found[threads], found[1]) for threads in counts]


def _sample(side: str, threads: int, spans: int, sink: SinkProcess) -> float:
    from spanwire_bench import _fresh, _threads_child

    before = sink.count()
    said: float = json.loads(_fresh.run(_threads_child.__name__, side, sink.endpoint, threads, spans))
    made = _threads_child.WARM + _threads_child.spans_a_round(spans, threads)
    if (received := sink.count() - before) != made:
        raise Lost(f"{side}, {threads} threads: {made} spans made, {received} received")
    return said


def threads(
    count: Annotated[
        list[int] | None, typer.Option(min=1, help="Threads; may be repeated, 1 is added. [default: 1, 2, 4, 8]")
    ] = None,
    spans: Annotated[int, typer.Option(min=1, help="Spans in a round.")] = 100_000,
    sdk_spans: Annotated[int, typer.Option(min=1, help="The same for the SDK.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each side and number of threads.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """CPU a span when several threads make spans at once: the SDK against spanwire."""
    from spanwire_bench import _pipelines_report, _report
    from spanwire_bench._fresh import ChildFailed
    from spanwire_bench._sink_process import SinkProcess

    if not has_official_exporter():
        _report.fail(OFFICIAL_HINT)
    counts = sorted({1, *(count or _THREADS)})
    made = {"official": sdk_spans, "spanwire": spans}
    try:
        with (
            SinkProcess() as sink,
            _report.progress("threads", rounds * len(counts) * len(made), shown=not as_json) as step,
        ):
            results = measure(counts, made, rounds=rounds, sink=sink, progress=step)
    except ChildFailed as error:
        _report.fail(f"spanwire bench: {error}")
    except Lost as error:
        _report.fail(f"spanwire bench: no figures, spans were lost: {error}")
    method = {
        "workload": "W5",
        "rounds": rounds,
        "spans_per_round": made,
        "clock": "getrusage, whole process, flush included",
        "pinned": "nothing",
        "cyclic_gc": "on, as in a program",
        "delivered": "all",
    }
    if as_json:
        print(json.dumps(_report.document("bench threads", method, [one.as_json() for one in results]), indent=2))
    else:
        _pipelines_report.show_threads(results, method, color=color)
