"""The benchmarks of whole pipelines measure both sides and say so in one JSON shape. No figure is judged."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import spanwire
from spanwire.cli import make_app
from spanwire_bench import _backends, _fresh, _threads_child
from spanwire_bench.latency import SCENARIOS, Quantiles
from tests.processes import python

pytestmark = pytest.mark.slow


def run(*arguments: str) -> str:
    return python("-m", "spanwire", "bench", *arguments, quiet=True, timeout=110).stdout


def rows(*arguments: str) -> list[dict[str, Any]]:
    said = json.loads(run(*arguments, "--json"))
    assert set(said) == {"command", "schema", "environment", "method", "results"}
    assert (said["command"], said["schema"]) == (f"bench {arguments[0]}", 1)
    assert said["environment"]["versions"]["spanwire"] == spanwire.__version__
    results: list[dict[str, Any]] = said["results"]
    return results


TINY_LATENCY = ("latency", "--ends", "300", "--sdk-ends", "200", "--rounds", "2", "--rate", "0")


def test_latency_has_a_row_for_each_scenario_and_side() -> None:
    said = rows(*TINY_LATENCY)
    assert [(row["scenario"], row["side"]) for row in said] == [
        (scenario.name, side) for scenario in SCENARIOS for side in ("official", "spanwire")
    ]
    for row in said:
        assert row["ends"] == {"official": 400, "spanwire": 600}[row["side"]]
        for what in ("end", "clock_alone"):
            assert list(row[what]) == ["p50", "p99", "p999", "maximum"]
            assert 0 < row[what]["p50"] <= row[what]["p99"] <= row[what]["p999"] <= row[what]["maximum"]
        assert row["clock_alone"]["p50"] < row["end"]["p50"]
        assert row["delivered"] == (row["ends"] if row["scenario"] in {"steady", "flush"} else None)


def test_latency_shows_a_table_of_the_scenarios_asked_for() -> None:
    said = run(*TINY_LATENCY, "--scenario", "refused")
    assert "How long span.end() takes" in said
    assert said.count("clock alone") == 2
    assert "refused  SDK" in said
    assert "steady" not in said


def test_unknown_scenarios_are_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(make_app(), ["bench", "latency", "--scenario", "calm"])
    assert done.exit_code == 1
    assert "calm" in done.stderr and "steady, flush, refused, silent, full" in done.stderr


TINY_THREADS = ("threads", "--count", "3", "--spans", "600", "--sdk-spans", "300", "--rounds", "2")


def test_threads_are_compared_with_one_thread_of_the_same_side() -> None:
    one, three = rows(*TINY_THREADS)
    assert (one["threads"], three["threads"]) == (1, 3)
    for row in (one, three):
        for side in ("official", "spanwire"):
            assert 0 < row["process_cpu"][side]["minimum"] <= row["process_cpu"][side]["median"]
            of_one = row["process_cpu"][side]["minimum"] / one["process_cpu"][side]["minimum"]
            assert row[f"{side}_times_one_thread"] == of_one
    assert (one["goal"], one["goal_met"]) == (None, None)
    assert three["goal_met"] == (three["spanwire_times_one_thread"] <= three["goal"])


def test_threads_are_shown_with_a_verdict_on_the_most() -> None:
    said = run(*TINY_THREADS)
    assert "CPU a span of threads" in said
    assert "3 threads: " in said and "(goal: ≤ 1.3)" in said


def test_no_figures_are_given_when_spans_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_threads_child, "WARM", _threads_child.WARM + 1)
    done = CliRunner().invoke(make_app(), ["bench", *TINY_THREADS, "--rounds", "1"])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "2301 spans made, 2300 received" in done.stderr


TINY_MEMORY = ("memory", "--spans", "3000", "--rounds", "1", "--idle", "0.1")
needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="not applicable: /proc is Linux's")


@needs_proc
def test_memory_tells_of_queued_spans_and_of_idle_processes() -> None:
    queued, *idle, goals = rows(*TINY_MEMORY)
    assert (queued["what"], queued["spans"]) == ("queued", 3000)
    assert queued["spanwire_queued"] == 3000
    assert 2000 < queued["official_queued"] <= 3000  # a batch or more may be in the exporter's hands
    assert queued["grown"]["official"]["median"] > 3000 * 500  # the objects of a span, at the very least
    assert (queued["goal"], queued["goal_met"]) == (None, None)  # said of 100,000
    assert [(one["what"], one["side"]) for one in idle] == [("idle", side) for side in ("none", "official", "spanwire")]
    for one in idle:
        assert one["cpu_ns"] >= 0 and one["switches"] >= 0
    assert idle[0]["threads_beyond_main"] == []
    assert len(idle[1]["threads_beyond_main"]) >= 1
    assert "spanwire" in idle[2]["threads_beyond_main"]
    assert [one["goal"] for one in goals["goals"]] == ["0", "1"]


@needs_proc
def test_memory_shows_two_tables_and_verdicts() -> None:
    said = run(*TINY_MEMORY)
    assert "Memory of 3,000 finished spans" in said
    assert "A process that does nothing for 0.1 s" in said
    assert "idle, threads beyond the main one" in said


def test_quantiles_are_of_the_nearest_rank() -> None:
    assert Quantiles.of([7]) == Quantiles(7, 7, 7, 7)
    assert Quantiles.of(range(1000, 0, -1)) == Quantiles(501, 991, 1000, 1000)
    with pytest.raises(IndexError):
        Quantiles.of([])


def test_a_backend_that_refuses_keeps_its_port() -> None:
    with _backends.refused() as endpoint:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(_address(endpoint), timeout=5)


def test_a_silent_backend_takes_requests_and_answers_none(silent: str) -> None:
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(silent, data=b"x" * 1_000_000, timeout=0.2)


@pytest.fixture
def silent() -> Iterator[str]:
    with _backends.silent() as endpoint:
        yield endpoint


def _address(endpoint: str) -> tuple[str, int]:
    host, port = endpoint.removeprefix("http://").split("/")[0].split(":")
    return host, int(port)


def test_a_child_that_fails_is_told_by_its_last_words() -> None:
    with pytest.raises(_fresh.ChildFailed, match="No module named"):
        _fresh.run("spanwire_bench.no_such_child")
