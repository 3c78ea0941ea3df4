"""Every scenario of the suite measures, in a small way, and says so well. No figure is judged."""

import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from spanwire_bench import _otel, _outage, _outage_child
from spanwire_bench._measure import cores
from spanwire_bench._sink_process import SinkProcess
from spanwire_bench.suite import _shared
from spanwire_bench.suite._catalogue import SCENARIOS
from spanwire_bench.suite._histogram import MOST_BUCKETS
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._scenario import Failed, Scenario, Settings

pytestmark = pytest.mark.slow

APART = (cores()[-1], cores()[0]) if len(cores()) > 1 else (None, None)
TINY = Settings(
    ("sdk", "exporter", "spanwire"),
    rounds=1,
    scale=0.02,
    sender_core=APART[0],
    receiver_core=APART[1],
    peer_python=sys.executable,
)
# The others measure no delivery, or what becomes of spans that cannot be delivered.
DELIVERING = {"export", "export-gzip", "threads", "otel"}
DELIVERING_ONE_BY_ONE = {"latency/steady", "latency/flush", "memory/outage"}
QUANTILES = [0.5, 0.99, 0.999, 1.0]
needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="not applicable: /proc is Linux's")


def by_name(name: str) -> Scenario:
    return next(one for one in SCENARIOS if one.name == name)


def run(name: str, settings: Settings = TINY) -> Outcome:
    return by_name(name).run(settings, lambda part: None)


@needs_proc
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.name for one in SCENARIOS])
def test_every_scenario_gives_an_outcome_with_every_side(scenario: Scenario) -> None:
    parts: list[float] = []
    outcome = scenario.run(TINY, parts.append)
    assert (outcome.name, outcome.title, outcome.group) == (scenario.name, scenario.title, scenario.group)
    assert list(dict.fromkeys(row.side for row in outcome.rows)) == scenario.chosen(TINY)
    assert parts == sorted(parts) and parts[-1] == 1.0 and parts[0] > 0
    for row in outcome.rows:
        assert len(row.samples) == 1 and row.samples[0] > 0
        counted = scenario.group in DELIVERING or scenario.name in DELIVERING_ONE_BY_ONE
        if counted and row.at in {None, 0.5} | {one.at for one in outcome.rows if outcome.plot == "curve"}:
            assert row.delivered is not None and row.delivered > 0
        else:
            assert row.delivered is None
        assert row.series == () or list(row.series) == sorted(row.series)
    places = [[row.at for row in outcome.rows if row.side == side] for side in scenario.chosen(TINY)]
    for of_side in places:
        assert of_side == places[0]
        if outcome.plot == "curve":
            assert len(of_side) >= 3 and of_side == sorted(of_side, key=lambda at: at or 0)
        else:
            assert of_side == (QUANTILES if outcome.plot == "histogram" else [None])
    assert Outcome.from_json(json.loads(json.dumps(outcome.as_json()))) == outcome


def test_as_many_samples_as_rounds_are_asked_for_and_only_the_sides() -> None:
    for name in ("export/W5", "otel/create-spans", "encode/W5", "create/event", "latency/full"):
        outcome = run(name, replace(TINY, sides=("spanwire",), rounds=2))
        assert {row.side for row in outcome.rows} == {"spanwire"}
        assert {len(row.samples) for row in outcome.rows} == {2}


def test_a_histogram_has_every_end_of_every_round() -> None:
    outcome = run("latency/refused", replace(TINY, rounds=2))
    for side in ("sdk", "spanwire"):
        row, *others = [row for row in outcome.rows if row.side == side]
        assert row.histogram is not None and not any(other.histogram for other in others)
        assert sum(row.histogram.counts) == 2 * 200  # the least of a process
        assert len(row.histogram.counts) <= MOST_BUCKETS
        longest = max(others[-1].samples)
        assert row.histogram.edges[-2] <= longest < row.histogram.edges[-1]
        for number in range(2):
            quantiles = [one.samples[number] for one in (row, *others)]
            assert quantiles == sorted(quantiles)


@needs_proc
def test_an_outage_is_survived_and_everything_is_counted() -> None:
    phases = _outage.Phases(0.3, 0.6, 0.3)
    one = _outage.measure("spanwire", phases, rate=4_000)
    assert one.made == one.received
    most = round(4_000 * phases.whole)  # fewer, should the machine have been busy when the time was over
    assert most / 10 < one.made - _outage_child.WARM <= most
    assert one.series[0] == (0.0, 0.0)
    times = [at for at, _ in one.series]
    assert len(times) >= 3 and all(before < after for before, after in pairwise(times))
    assert one.peak == max(grown for _, grown in one.series) > 0


@needs_proc
def test_what_the_sdk_loses_in_an_outage_is_said() -> None:
    # Made three times as fast as its queue of 2,048 spans can hold while the backend is away.
    one = _outage.measure("official", _outage.Phases(0.2, 2.0, 0.2), rate=6_000)
    assert one.received < one.made


def test_a_dead_backend_refuses_and_comes_back_at_its_port() -> None:
    backend = _outage._Backend()
    with backend:
        address = backend.endpoint.removeprefix("http://").partition("/")[0].split(":")
        place = (address[0], int(address[1]))
        socket.create_connection(place, timeout=5).close()
        backend.be(alive=False)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=5)
        backend.be(alive=True)
        socket.create_connection(place, timeout=5).close()


def test_a_port_that_is_taken_meanwhile_is_told() -> None:
    backend = _outage._Backend()
    with backend, socket.socket() as other:
        port = int(backend.endpoint.partition("127.0.0.1:")[2].partition("/")[0])
        backend.be(alive=False)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(_outage.ChildFailed, match="cannot come back"):
            backend.be(alive=True)


@needs_proc
def test_a_child_that_breaks_is_told_by_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_outage_child, "__name__", "spanwire_bench.no_such_child")
    with pytest.raises(_outage.ChildFailed, match="No module named"):
        _outage.measure("spanwire", _outage.Phases(0.1, 0.1, 0.1), rate=100)


@pytest.mark.parametrize(
    "name", ["export/W5", "latency/steady", "threads/W5", "otel/create-spans", "otel/memory-usage"]
)
def test_a_lost_span_leaves_no_figure(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def count(sink: SinkProcess) -> int:
        asked.append(1)
        return int(sink._ask("count")) - len(asked)

    monkeypatch.setattr(SinkProcess, "count", count)
    with pytest.raises(Failed, match=r"\d+ received"):
        run(name)


def test_latency_is_measured_again_when_a_busy_machine_loses_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def count(sink: SinkProcess) -> int:
        asked.append(1)
        return int(sink._ask("count")) - (len(asked) == 2)  # one is missing after the first process

    monkeypatch.setattr(SinkProcess, "count", count)
    outcome = run("latency/steady", replace(TINY, sides=("spanwire",)))
    assert len(asked) >= 4  # the machine may lose another
    assert "a span was lost" in outcome.what
    (row, *_) = outcome.rows
    assert row.delivered == 200 and row.histogram is not None and sum(row.histogram.counts) == 200


def test_bytes_that_differ_leave_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanwire.encode_spans", lambda spans: b"")
    with pytest.raises(Failed, match="the bytes differ: W5: 0 bytes"):
        run("encode/W5")


def test_a_missing_exporter_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shared, "has_official_exporter", lambda: False)
    needing = [one.name for one in SCENARIOS if one.group != "create"]
    for name in needing:
        with pytest.raises(Failed, match="pip install opentelemetry-exporter-otlp-proto-http"):
            run(name)


def test_what_measures_us_alone_needs_no_official_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shared, "has_official_exporter", lambda: False)
    for name in ("export/W5", "latency/full", "otel/create-spans"):
        assert {row.side for row in run(name, replace(TINY, sides=("spanwire",))).rows} == {"spanwire"}


def test_without_numpy_columns_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(Failed, match="pip install numpy"):
        run("columns/encode")


def test_a_process_that_cannot_keep_the_rate_is_told_so() -> None:
    one = _otel.load("official", rate=100_000, seconds=0.3, simple=True, core=APART[0], receiver_core=APART[1])
    assert not one.kept_up
    assert one.reached < 100_000
    used = 100 * (one.looks[-1][1] - one.looks[0][1]) / one.seconds
    assert one.percent == pytest.approx(used * 100_000 / one.reached)


@needs_proc
def test_processes_that_run_at_the_same_time_all_end_when_the_run_is_ended() -> None:
    # Two minutes long, so that waiting for any of them would be noticed.
    command = [
        sys.executable,
        "-m",
        "spanwire",
        "bench",
        "--scenario",
        "otel/memory-usage",
        "--scale",
        "8",
        "--json",
        "-",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 60
        while len(started := descendants(process.pid)) < 4:  # a receiver and a sender for each side
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.05)
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert json.loads(said)["left_out"] == {"otel/memory-usage": "interrupted"}
    assert not [pid for pid in started if Path("/proc", str(pid)).exists()]


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has ended meanwhile
            for child in map(int, task.read_text(encoding="ascii").split()):
                found += [child, *descendants(child)]
    return found
