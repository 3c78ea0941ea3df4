"""Whatever has several rounds: each side has a fresh process in each, and another one begins each time."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from spanwire_bench import _fresh, _outage, _threads_child
from spanwire_bench._measure import in_turn
from spanwire_bench.latency import SCENARIOS
from spanwire_bench.latency import measure as measure_latency
from spanwire_bench.memory import measure_queued
from spanwire_bench.suite import _scenarios_memory
from spanwire_bench.suite._scenario import Settings
from spanwire_bench.threads import measure as measure_threads

BOTH = {"official": 8, "spanwire": 16}
TURNS = ["official", "spanwire", "spanwire", "official", "official", "spanwire"]


class Sink:
    """Receives what ``threads`` makes of four and of eight spans a process."""

    endpoint = "http://127.0.0.1:9/v1/traces"

    def __init__(self) -> None:
        self.received = 0

    def count(self) -> int:
        return self.received


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Arguments of each process that was started, after the first; none of them is run."""
    found: list[tuple[Any, ...]] = []

    def run(module: str, *arguments: object, timeout: float = 0) -> bytes:
        found.append(arguments)
        if module.endswith("_latency_child"):
            return bytes(16)
        if module.endswith("_memory_child"):
            return json.dumps({"grown": 1.0, "queued": 1}).encode()
        return b"1.0"

    monkeypatch.setattr(_fresh, "run", run)
    return found


def test_each_side_is_first_as_often_as_the_others() -> None:
    assert [in_turn("abc", number)[0] for number in range(6)] == list("abcabc")
    assert all(sorted(in_turn("abc", number)) == list("abc") for number in range(6))


def test_threads_have_a_process_a_round_and_side_and_take_turns(
    started: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    run = _fresh.run

    def received(module: str, side: str, endpoint: str, count: int, spans: int) -> bytes:
        sink.received += _threads_child.WARM + spans
        return run(module, side, endpoint, count, spans)

    monkeypatch.setattr(_fresh, "run", received)
    steps: list[int] = []
    found = measure_threads((1, 2), BOTH, rounds=3, sink=sink, progress=steps.append)  # type: ignore[arg-type]
    assert [arguments[0] for arguments in started if arguments[2] == 2] == TURNS
    assert [arguments[2] for arguments in started] == [1, 1, 2, 2] * 3  # every number of threads in every round
    assert [len(one.cpu.spanwire.samples) for one in found] == [3, 3]
    assert sum(steps) == len(started) == 12


def test_latency_takes_turns(started: list[tuple[Any, ...]]) -> None:
    measure_latency(
        SCENARIOS[0],
        dict.fromkeys(BOTH, 1),
        rounds=3,
        rate=0,
        core=None,
        sink=Sink(),  # type: ignore[arg-type]
        progress=lambda done: None,
    )
    assert [arguments[0] for arguments in started] == TURNS


def test_queued_spans_take_turns(started: list[tuple[Any, ...]]) -> None:
    measure_queued(10, 3, lambda done: None)
    assert [arguments[1] for arguments in started] == TURNS


def test_outages_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    sides: list[str] = []

    def measure(side: str, phases: object, *, rate: float) -> object:
        sides.append(side)
        return SimpleNamespace(peak=1, made=1, received=1, series=())

    monkeypatch.setattr(_outage, "measure", measure)
    monkeypatch.setattr(_scenarios_memory, "need_official", lambda sides: None)
    monkeypatch.setattr(_scenarios_memory, "_need_proc", lambda: None)
    (scenario,) = (one for one in _scenarios_memory.SCENARIOS if one.name == "memory/outage")
    scenario.run(Settings(("sdk", "spanwire"), rounds=3), lambda part: None)
    assert sides == TURNS
