"""``spanwire bench latency``: how long ``span.end()`` keeps its caller, by the SDK and by ours, whatever the backend does.

Only the call of ``end()`` on a W5 span is timed, by the monotonic clock. Each scenario and side runs in fresh processes, in
turn, with everything from the provider to the exporter as it is by default; spans come in bursts of 100 at a rate that both sides
can hold. After every ``end()`` the same two readings of the clock are taken with nothing between them: that row says what of
the figures is the clock's, and what the machine's (whoever else had the core), since both are timed at the same moments.
"""

from __future__ import annotations

import array
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire_bench import _cores
from spanwire_bench._measure import OFFICIAL_HINT, has_official_exporter, in_turn, pinned

if TYPE_CHECKING:
    from spanwire_bench._sink_process import SinkProcess

__all__ = ["SCENARIOS", "Quantiles", "Result", "Scenario", "latency", "measure"]

_FULL_QUEUE = 2048  # the SDK's default


@dataclass(frozen=True, slots=True)
class Scenario:
    """What goes on while spans end; ``queue`` is max_queue_size, 0 each side's default."""

    name: str
    what: str
    backend: str = "alive"
    flushing: bool = False
    queue: int = 0


SCENARIOS = (
    Scenario("steady", "batches are sent"),
    Scenario("flush", "another thread flushes, again after 1 ms", flushing=True),
    Scenario("refused", "connections are refused", "refused"),
    Scenario("silent", "requests are never answered", "silent"),
    Scenario("full", f"refused, room for {_FULL_QUEUE:,} spans", "refused", queue=_FULL_QUEUE),
)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of all samples, in ns."""

    p50: int
    p99: int
    p999: int
    maximum: int

    @classmethod
    def of(cls, samples: Sequence[int]) -> Quantiles:
        """By the nearest rank; raises IndexError when there is no sample."""
        ordered = sorted(samples)
        last = len(ordered) - 1
        p50, p99, p999 = (ordered[min(last, int(len(ordered) * share))] for share in (0.5, 0.99, 0.999))
        return cls(p50, p99, p999, ordered[last])


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario by one side: ``end()``, the clock with nothing between, and what a sink received of the spans.

    :param each: what every ``end()`` took, by process.
    """

    scenario: Scenario
    side: str
    ends: int
    times: Quantiles
    clock: Quantiles
    delivered: int | None
    each: Sequence[Sequence[int]] = field(repr=False)

    def quantiles(self, process: int) -> Quantiles:
        """Of one process alone."""
        return Quantiles.of(self.each[process])

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "scenario": self.scenario.name,
            "what": self.scenario.what,
            "side": self.side,
            "ends": self.ends,
            "unit": "ns",
            "end": asdict(self.times),
            "clock_alone": asdict(self.clock),
            "delivered": self.delivered,
        }


def measure(
    scenario: Scenario,
    counts: dict[str, int],
    *,
    rounds: int,
    rate: float,
    core: int | None,
    sink: SinkProcess,
    progress: Callable[[int], None],
) -> list[Result]:
    """The sides take turns in ``rounds`` fresh processes each, a different one first each time; ``progress`` is told of each. Raises ChildFailed."""
    from spanwire_bench import _fresh, _latency_child

    words = [word for word, wanted in (("flush", scenario.flushing), ("dead", scenario.backend != "alive")) if wanted]
    each: dict[str, list[array.array[int]]] = {side: [] for side in counts}
    clock: dict[str, array.array[int]] = {side: array.array("Q") for side in counts}
    delivered = dict.fromkeys(counts, 0)
    with _backend(scenario.backend, sink) as endpoint:
        for number in range(rounds):
            for side in in_turn(counts, number):
                count = counts[side]
                before = sink.count()
                with pinned(core):
                    said = _fresh.run(_latency_child.__name__, side, endpoint, count, rate, scenario.queue, *words)
                each[side].append(array.array("Q", said[: 8 * count]))
                clock[side].frombytes(said[8 * count :])
                delivered[side] += sink.count() - before
                progress(1)
    alive = scenario.backend == "alive"
    return [
        Result(
            scenario,
            side,
            sum(map(len, each[side])),
            Quantiles.of(list(itertools.chain.from_iterable(each[side]))),
            Quantiles.of(clock[side]),
            delivered[side] - rounds * _latency_child.WARM if alive else None,
            each[side],
        )
        for side in counts
    ]


@contextmanager
def _backend(kind: str, sink: SinkProcess) -> Iterator[str]:
    from spanwire_bench import _backends

    if kind == "alive":
        yield sink.endpoint
    else:
        with getattr(_backends, kind)() as endpoint:
            yield endpoint


def latency(
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="steady, flush, refused, silent or full; may be repeated. [default: all]"),
    ] = None,
    ends: Annotated[int, typer.Option(min=1, help="Calls of end() in a process.")] = 100_000,
    sdk_ends: Annotated[int, typer.Option(min=1, help="The same for the SDK.")] = 50_000,
    rounds: Annotated[int, typer.Option(min=1, help="Processes of each side in each scenario.")] = 2,
    rate: Annotated[float, typer.Option(min=0, help="Spans a second; 0: as fast as they come.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """How long span.end() takes while batches are sent, flushed or refused: the SDK against spanwire."""
    from spanwire_bench import _pipelines_report, _report
    from spanwire_bench._fresh import ChildFailed
    from spanwire_bench._latency_child import BURST
    from spanwire_bench._sink_process import SinkProcess

    if not has_official_exporter():
        _report.fail(OFFICIAL_HINT)
    known = {one.name: one for one in SCENARIOS}
    if unknown := [name for name in scenario or () if name not in known]:
        _report.fail(f"spanwire bench: no scenario {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in scenario or known]
    counts = {"official": sdk_ends, "spanwire": ends}
    core, sink_core = _cores.apart()
    results: list[Result] = []
    try:
        with (
            SinkProcess(sink_core) as sink,
            _report.progress("ending", rounds * len(chosen) * len(counts), shown=not as_json) as step,
        ):
            for one in chosen:
                results += measure(one, counts, rounds=rounds, rate=rate, core=core, sink=sink, progress=step)
    except ChildFailed as error:
        _report.fail(f"spanwire bench: {error}")
    method = {
        "ends": {side: count * rounds for side, count in counts.items()},
        "processes": rounds,
        "rate": rate or "as fast as they come",
        "burst": BURST,
        "clock": "monotonic",
        "cyclic_gc": "on, as in a program",
        "pinned_to_core": core,
        "sink_core": sink_core,
    }
    if as_json:
        print(json.dumps(_report.document("bench latency", method, [one.as_json() for one in results]), indent=2))
    else:
        _pipelines_report.show_latency(results, method, color=color)
