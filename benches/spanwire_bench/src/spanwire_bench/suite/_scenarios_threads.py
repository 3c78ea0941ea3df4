"""``threads/…``: the CPU of a span when several threads make spans at once; as ``bench threads`` measures it."""

from __future__ import annotations

from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import COMPARED, compared, need_official, rounds_of, scaled, steps

__all__ = ["SCENARIOS"]

_THREADS = (1, 2, 4, 8)
_ROUNDS = 3  # each of eight processes
_SPANS = {"official": 4_000, "spanwire": 60_000}  # in a round
_NS = {"official": 60_000, "spanwire": 900}  # a span takes about so long, if several threads make them
_SECONDS_A_PROCESS = {"official": 1.0, "spanwire": 0.6}
_TITLE = "W5 to its delivery, made by several threads at once"
_WHAT = (
    "CPU of a fresh process, all threads, per span: from letting the waiting threads go until what they made is "
    "flushed to another "
    "process. Nothing is pinned. The SDK's queue has room for a round; every span arrived."
)


def _spans(settings: Settings) -> dict[str, int]:
    return {side: scaled(spans, settings, least=64) for side, spans in _SPANS.items()}


def _seconds(settings: Settings) -> float:
    from spanwire_bench import _threads_child

    rounds = rounds_of(settings, _ROUNDS)
    made = _spans(settings)
    a_round = sum(_SECONDS_A_PROCESS[side] + (_threads_child.WARM + made[side]) * _NS[side] / 1e9 for side in made)
    return 0.5 + len(_THREADS) * rounds * a_round


def _run(settings: Settings, step: Step) -> Outcome:
    from spanwire_bench import _threads_child
    from spanwire_bench._fresh import ChildFailed
    from spanwire_bench._sink_process import SinkProcess
    from spanwire_bench.threads import Lost, measure

    need_official()
    made = _spans(settings)
    rounds = rounds_of(settings, _ROUNDS)
    try:
        with SinkProcess() as sink:
            found = measure(
                _THREADS, made, rounds=rounds, sink=sink, progress=steps(step, rounds * len(_THREADS) * len(made))
            )
    except ChildFailed as error:
        raise Failed(str(error)) from None
    except Lost as error:
        raise Failed(f"spans were lost: {error}") from None
    rows = []
    for side, pipeline in (("sdk", "official"), ("spanwire", "spanwire")):
        if side not in settings.sides:
            continue
        for one in found:
            each_round = _threads_child.spans_a_round(made[pipeline], one.threads)
            rows += compared([side], one.cpu, at=one.threads, delivered=rounds * (_threads_child.WARM + each_round))
    return Outcome("threads/W5", _TITLE, _WHAT, tuple(rows), plot="curve", axis="threads")


SCENARIOS = (Scenario("threads/W5", _TITLE, COMPARED, _seconds, _run),)
