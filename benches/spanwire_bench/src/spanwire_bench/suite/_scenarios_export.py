"""``export/…`` and ``export-gzip/…``: the CPU of a span from making it to its delivery; ``bench export`` has the detail."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step
from spanwire_bench.suite._shared import need_official, rounds_of, scaled, steps
from spanwire_bench.suite._sides import PEERS, SIDES

if TYPE_CHECKING:
    from spanwire_bench import _delivery

__all__ = ["SCENARIOS"]

_ROUNDS = {"export": 5, "export-gzip": 3}
_CPU_SECONDS = 0.25  # of a side in a round
_SMALL = 0.2  # at a smaller scale than this the number of spans is given: finding it out would take longer than they do
_COUNTED_SPANS = 20_000  # while instructions are counted, and twice as many; more than the warm-up in any case
_LEAST_COUNTED_SPANS = 5_000
_SMALL_SPANS = 5_000  # at a scale of 1
# Beside what is measured: start, sample, warm-up, finding out how many spans, and what the receiver needs longer than the
# sender (ours makes most), on cores that have nothing else to do.
_SECONDS_A_PROCESS = {
    "sdk": 1.0,
    "exporter": 0.7,
    "spanwire": 1.5,
    "fastotel": 0.8,
    "ddtrace": 1.5,
    "opentelemetry-rust": 0.7,
    "opentelemetry-rust-builder": 0.7,
    "fastrace": 1.1,  # paced by its collector
    "opentelemetry-go": 0.7,
    "opentelemetry-java": 5.0,  # and what _JAVA_SPANS take, most of which it waits for answers
}
_JAVA_SPANS = 512_000  # its warm-up, and what is measured
_JAVA_SECONDS_A_REQUEST = 0.032  # one at a time
_USUAL_BATCH = 512
_GOALS = {"export/W5": 75.0}  # the SDK ÷ spanwire
# A peer ÷ spanwire; fastrace and a span builder that is given everything at once do less than is asked of a side.
_PEER_GOALS = {
    "opentelemetry-rust": 1 / 0.45,
    "fastotel": 1.0,
    "ddtrace": 1.0,
    "opentelemetry-go": 1.0,
    "opentelemetry-java": 1.0,
}
_WITH_PEER_GOALS = ("export/W5", "export/W10")
_COMPRESSION = "OTEL_EXPORTER_OTLP_COMPRESSION"
_WHAT = (
    "CPU of the whole sending process, all threads, per span: made, batched, encoded{}, and delivered over HTTP to "
    "another process. Fresh processes; every span arrived."
)
_SAMPLE_SPANS = {"WR": 47}  # of each side in each round; of the others one step of the programs
# What each side's exporter asks of zlib or its like, as it comes; of fastotel it is not documented.
_LEVELS = dict.fromkeys(SIDES, 6) | {"sdk": 9, "fastotel": 0}


def _seconds(group: str, sides: Sequence[str], settings: Settings) -> float:
    from spanwire_bench import _perf

    counted = 0 if _perf.counting() else 2
    measured = 0 if settings.scale < _SMALL else _CPU_SECONDS * settings.scale
    a_round = sum(_SECONDS_A_PROCESS[side] + measured for side in settings.sides if side in sides)
    if "opentelemetry-java" in settings.sides and "opentelemetry-java" in sides:
        a_round += _JAVA_SPANS / (settings.batch or _USUAL_BATCH) * _JAVA_SECONDS_A_REQUEST
    return 1 + (rounds_of(settings, _ROUNDS[group]) + counted) * a_round


def _run(name: str, title: str, sides: Sequence[str], settings: Settings, step: Step) -> Outcome:
    from spanwire_bench import _delivery

    group, _, workload = name.partition("/")
    chosen = [side for side in settings.sides if side in sides]
    need_official(chosen)
    rounds = rounds_of(settings, _ROUNDS[group])
    spans = scaled(_SMALL_SPANS, settings, least=64) if settings.scale < _SMALL else 0
    compression = "gzip" if group == "export-gzip" else "none"
    try:
        with (
            _environment(_COMPRESSION, compression),
            _delivery.Bench(
                chosen,
                peer_python=settings.peer_python,
                sender_core=settings.sender_core,
                receiver_core=settings.receiver_core,
                batch=settings.batch,
            ) as bench,
        ):
            found = bench.measure(
                workload,
                rounds=rounds,
                spans=spans,
                seconds=_CPU_SECONDS * settings.scale,
                progress=steps(step, rounds * len(chosen)),
            )
            counted = {side.name: _instructions(bench, workload, side.name, settings) for side in found.sides}
    except _delivery.Lost as error:
        raise Failed(str(error)) from None
    rows = tuple(
        Row(
            side.name,
            side.cpu.samples,
            instructions=counted[side.name],
            delivered=side.delivered,
            spans_a_request=side.spans_a_request,
            note=side.note,
        )
        for side in found.sides
    )
    what = _what(workload, chosen, gzip=compression == "gzip")
    return Outcome(name, title, what, rows, goal=_GOALS.get(name), peer_goals=_peer_goals(name, rows))


def _what(workload: str, sides: Sequence[str], *, gzip: bool) -> str:
    """What is compared, and what of it is not the same."""
    from spanwire_bench import _peers
    from spanwire_bench._delivery_programs import STEP_SPANS

    said = [_WHAT.format(" and compressed by gzip" if gzip else "")]
    loose = [SIDES[side].label for side in sides if side in _peers.LOOSE]
    if len(sides) > 1 and len(loose) < len(sides):
        by_text = f"; of {' and '.join(loose)} names and attributes, as text" if loose else ""
        spans = _SAMPLE_SPANS.get(workload, STEP_SPANS)
        said.append(f"A sample of {spans} spans of each side and round was compared, without resources{by_text}.")
    if gzip:
        levels = ", ".join(f"{SIDES[side].label} {_LEVELS[side] or 'not documented'}" for side in sides)
        said.append(f"Levels of compression, as each comes: {levels}.")
    return " ".join(said)


def _peer_goals(name: str, rows: Sequence[Row]) -> dict[str, float]:
    """Of those that were measured."""
    return {row.side: _PEER_GOALS[row.side] for row in rows if name in _WITH_PEER_GOALS and row.side in _PEER_GOALS}


def _instructions(bench: _delivery.Bench, workload: str, side: str, settings: Settings) -> float | None:
    """None where the machine counts none, or something of it was lost: the rounds are there."""
    from spanwire_bench import _delivery, _perf

    try:
        return bench.instructions(workload, side, scaled(_COUNTED_SPANS, settings, least=_LEAST_COUNTED_SPANS))
    except (_perf.NotCounted, _delivery.Lost):
        return None  # the document's method says why nothing is counted


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """For children that start meanwhile."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _scenario(name: str, title: str, sides: Sequence[str]) -> Scenario:
    group = name.partition("/")[0]
    return Scenario(name, title, sides, partial(_seconds, group, sides), partial(_run, name, title, sides))


_ALL = tuple(SIDES)
_PYTHON = tuple(side for side in SIDES if side not in PEERS)  # the others have no program that replays a recording
_OTLP = tuple(side for side in SIDES if side != "ddtrace")

SCENARIOS = (
    _scenario("export/W5", "W5 from making a span to its delivery", _ALL),
    _scenario("export/W10", "W10 from making a span to its delivery", _ALL),
    _scenario("export/WR", "A web shop, recorded, from making spans to their delivery", _PYTHON),
    _scenario("export-gzip/W5", "W5 to its delivery, compressed by gzip", _OTLP),
    _scenario("export-gzip/W10", "W10 to its delivery, compressed by gzip", _OTLP),
)
