"""``create/…``: the CPU to make spans, and of single calls on them; ``bench trace`` has every case."""

from __future__ import annotations

from functools import partial

from spanwire_bench._measure import pinned
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._scenario import Scenario, Settings, Step
from spanwire_bench.suite._shared import COMPARED, compared, compared_sides, rounds_of, steps

__all__ = ["SCENARIOS"]

_ROUNDS = 11
_SAMPLE_NS = 20e6
# A scenario's name and title, and which case of `bench trace` it is. Goals are the case's.
_CASES = {
    "W5": ("w5", "Make a W5 span: 5 attributes, as the current one"),
    "W10": ("w10", "Make a W10 span: 10 attributes, as the current one"),
    "scope": ("scope", "Make a span without attributes, as the current one"),
    "start-end": ("start-end", "start_span() and end()"),
    "unsampled": ("unsampled-root", "Make a W5 span that is not sampled"),
    "set-attribute": ("set-attribute-str", "set_attribute() of a text"),
    "event": ("add-event", "add_event()"),
}
_OF_CALLS = {"set-attribute", "event"}


def _seconds(settings: Settings) -> float:
    """Finding out how long a sample is takes up to as long as one, twice over."""
    samples = rounds_of(settings, _ROUNDS) + 3
    return 0.3 + 2 * samples * _SAMPLE_NS * settings.scale / 1e9


def _run(name: str, settings: Settings, step: Step) -> Outcome:
    from spanwire_bench._trace_cases import select
    from spanwire_bench._trace_sides import Side
    from spanwire_bench.trace import measure, quiet

    known, title = _CASES[name]
    ((case,), _) = select([known])
    rounds = rounds_of(settings, _ROUNDS)
    with quiet(), pinned(settings.sender_core):
        found = measure(
            case,
            [Side("official"), Side("spanwire")],
            rounds=rounds,
            sample_ns=_SAMPLE_NS * settings.scale,
            progress=steps(step, rounds),
        )
    calls = name in _OF_CALLS
    what = (
        "The call alone, 100 of them on a span that is started and ended outside of what is timed; monotonic clock, "
        "median of the spans."
        if calls
        else "CPU of the thread that makes them; nothing is exported. SDK: a processor that does nothing; spanwire: the whole native way, "
        "up to a queue that drops the oldest."
    )
    sides = compared_sides(settings)
    return Outcome(
        f"create/{name}",
        title,
        what,
        tuple(compared(sides, found.times)),
        per="call" if calls else "span",
        goal=case.goal,
    )


SCENARIOS = tuple(
    Scenario(f"create/{name}", title, COMPARED, _seconds, partial(_run, name)) for name, (_, title) in _CASES.items()
)
