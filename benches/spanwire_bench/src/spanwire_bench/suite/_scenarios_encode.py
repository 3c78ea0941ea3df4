"""``encode/…``: the CPU of encoders alone, on spans that were never read before; ``bench encode`` has the detail."""

from __future__ import annotations

from functools import partial

from spanwire_bench._measure import pinned
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import COMPARED, compared, compared_sides, need_official, rounds_of, steps

__all__ = ["SCENARIOS"]

_BATCH = 512
_ROUNDS = 16
_WHAT = (
    "CPU of the thread that encodes, per span: the official encoder to bytes against spanwire's, each on spans of its "
    "own that were never "
    "read before. The bytes are compared, and are the same."
)
_SECONDS_A_ROUND = {"W5": 0.12, "W10": 0.15, "WR": 0.2}


def _rounds(settings: Settings) -> int:
    return rounds_of(settings, _ROUNDS)


def _batch(settings: Settings) -> int:
    """A batch is what a sample is; a greater scale than 1 leaves it as exporters get it."""
    return settings.batch or max(8, round(_BATCH * min(1.0, settings.scale)))


def _seconds(workload: str, settings: Settings) -> float:
    return 0.5 + _rounds(settings) * _SECONDS_A_ROUND[workload] * _batch(settings) / _BATCH


def _run(workload: str, title: str, settings: Settings, step: Step) -> Outcome:
    from spanwire import encode_spans
    from spanwire_bench.encode import BytesDiffer, measure, official_encoder

    need_official()
    official = official_encoder()
    assert official is not None
    rounds = _rounds(settings)
    try:
        with pinned(settings.sender_core):
            fresh, _again = measure(
                workload,
                official,
                encode_spans,
                batch=_batch(settings),
                rounds=rounds,
                progress=steps(step, 2 * rounds),
            )
    except BytesDiffer as error:
        raise Failed(f"the bytes differ: {error}") from None
    sides = compared_sides(settings)
    return Outcome(f"encode/{workload}", title, _WHAT, tuple(compared(sides, fresh.times)))


def _scenario(workload: str, kind: str) -> Scenario:
    title = f"Encode {workload}: {kind}"
    return Scenario(f"encode/{workload}", title, COMPARED, partial(_seconds, workload), partial(_run, workload, title))


SCENARIOS = (
    _scenario("W5", "spans of 5 attributes"),
    _scenario("W10", "spans of 10 attributes"),
    _scenario("WR", "a web shop, recorded"),
)
