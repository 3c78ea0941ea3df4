"""``spanwire bench export`` end to end: each side in processes of its own delivers everything. No figure is judged."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spanwire.sink import Sink
from spanwire_bench import _delivery_child, _mirror, _peers, _perf
from spanwire_bench._delivery import DEFAULT_SIDES, SIDES, Bench, Lost
from spanwire_bench._sink_process import SinkProcess
from spanwire_bench.suite._catalogue import SCENARIOS
from spanwire_bench.suite._scenario import Settings
from tests.conftest import NOT_APPLICABLE, ROOT
from tests.processes import Ended, python

pytestmark = pytest.mark.slow

PEER_PYTHON = ROOT / "build" / "peers-venv" / "bin" / "python"


def export(*arguments: str) -> Ended:
    return python("-m", "spanwire", "bench", "export", *arguments, status=None, timeout=110)


def figures(*arguments: str) -> Any:
    done = export(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["command"], said["schema"]) == ("bench export", 1)
    return said


def check_side(one: Any, rounds: int, spans: int) -> None:
    assert 0 < one["minimum"] <= one["median"] <= one["maximum"]
    assert one["rounds"] == rounds
    assert one["spans_per_round"] >= spans
    assert one["delivered"] >= rounds * one["spans_per_round"]
    assert one["spans_per_request"] >= 1


@pytest.fixture
def without_peers(tmp_path: Path) -> str:
    """A Python that has nothing but its standard library."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def one_core(sides: list[str]) -> Bench:
    return Bench(sides, peer_python=sys.executable, sender_core=None, receiver_core=None)


def test_the_sides_that_need_no_peer_deliver_every_workload() -> None:
    said = figures("--rounds", "1", "--spans", "100")
    assert [row["workload"] for row in said["results"]] == ["W5", "W10", "WR"]
    assert said["method"]["sides"] == list(DEFAULT_SIDES)
    for row in said["results"]:
        assert list(row["sides"]) == list(DEFAULT_SIDES)
        sdk = row["sides"]["sdk"]
        for one in row["sides"].values():
            check_side(one, rounds=1, spans=100)
            assert one["sdk_times"]["ratio_of_minima"] == sdk["minimum"] / one["minimum"]
            assert one["sdk_times"]["ratio_of_medians"] == sdk["median"] / one["median"]
        assert row["better_peer_times"] is None


def test_no_default_queue_overflows_when_more_is_made_than_it_holds() -> None:
    said = figures("--rounds", "2", "--spans", "5000", "--workload", "w5", "--sides", "exporter,sdk")
    (row,) = said["results"]
    assert list(row["sides"]) == ["exporter", "sdk"]
    for one in row["sides"].values():
        check_side(one, rounds=2, spans=5000)


def test_without_a_number_of_spans_a_round_takes_the_cpu_asked_for() -> None:
    said = figures("--rounds", "1", "--seconds", "0.05", "--workload", "w5", "--sides", "spanwire")
    check_side(said["results"][0]["sides"]["spanwire"], rounds=1, spans=64)


def test_the_table_has_each_side_and_fits_80_columns() -> None:
    done = export("--rounds", "1", "--spans", "64", "--workload", "w10")
    assert (done.returncode, done.stderr) == (0, "")
    table, _, rest = done.stdout.partition("\n\n")
    for side in DEFAULT_SIDES:
        assert f" {side} " in table
        assert f"{side}: {SIDES[side]}; " in rest
    assert max(map(len, table.splitlines())) <= 80
    assert rest.count("delivered all of ") == 3
    assert "W10: the SDK takes" in rest
    assert "\x1b" not in done.stdout


def test_an_unknown_side_is_refused_with_the_known_ones() -> None:
    done = export("--sides", "sdk,opentelemetry")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"spanwire bench: no side opentelemetry; there are {', '.join(SIDES)}\n"


@pytest.mark.parametrize(
    ("protocol", "told"),
    [("grpc", "--protocol grpc goes with --exporter-only alone"), ("kafka", "there are http/protobuf, grpc")],
)
def test_a_protocol_that_is_not_measured_is_refused(protocol: str, told: str) -> None:
    done = export("--protocol", protocol)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and told in done.stderr


@pytest.mark.parametrize("other", ["--exporter-only", "--profile"])
def test_what_has_sides_of_its_own_takes_none(other: str) -> None:
    done = export(other, "--sides", "sdk")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "--sides" in done.stderr


def test_the_profile_shares_out_what_a_delivered_span_costs() -> None:
    done = export("--profile", "--rounds", "1", "--seconds", "0.02", "--workload", "wr", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["command"] == "bench export --profile"
    (row,) = said["results"]
    assert list(row["parts"]) == ["made", "queued", "spanwire"]
    assert sum(part["ns"] for part in row["parts"].values()) == pytest.approx(row["total"])
    assert row["parts"]["made"]["ns"] > 0
    if row["by_library"]:  # where perf is, and may look
        assert sum(row["by_library"].values()) == pytest.approx(row["total"], rel=0.1)


def test_a_missing_peer_is_left_out_with_a_line_that_says_what_to_install(without_peers: str) -> None:
    done = export(
        *("--sides", "fastotel,spanwire", "--rounds", "1", "--spans", "64", "--workload", "W5", "--json"),
        *("--peer-python", without_peers),
    )
    assert done.returncode == 0
    assert done.stderr == "spanwire bench: fastotel is left out: make bench-peers, or pip install fastotel==0.9.1\n"
    said = json.loads(done.stdout)
    assert said["method"]["left_out"] == ["fastotel"]
    assert list(said["results"][0]["sides"]) == ["spanwire"]
    assert said["results"][0]["sides"]["spanwire"]["sdk_times"] is None


def test_with_nothing_but_missing_peers_there_are_no_figures(without_peers: str) -> None:
    done = export("--sides", "ddtrace", "--peer-python", without_peers)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "ddtrace" in done.stderr


def test_a_python_that_is_not_there_is_named() -> None:
    done = export("--sides", "ddtrace", "--peer-python", "/no/such/python")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "spanwire bench: no figures: /no/such/python does not run: No such file or directory\n"


def test_no_figures_are_given_when_the_receiver_has_not_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SinkProcess, "count", lambda sink: 1)
    with one_core(["spanwire"]) as bench, pytest.raises(Lost, match=r"spanwire: \d+ spans made, 1 received"):
        bench.measure("W5", rounds=1, spans=64, seconds=0)


def test_no_figures_are_given_when_two_sides_send_other_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    real = SinkProcess.shapes
    seen = []

    def altered(sink: SinkProcess) -> Any:
        shapes = real(sink)
        seen.append(shapes)
        if len(seen) == 2:
            shapes[0]["attributes"].popitem()
        return shapes

    monkeypatch.setattr(SinkProcess, "shapes", altered)
    with one_core(["sdk", "spanwire"]) as bench, pytest.raises(Lost, match="spanwire: not the spans that the others"):
        bench.measure("WR", rounds=1, spans=64, seconds=0)


def test_a_side_that_breaks_is_told_with_its_reason() -> None:
    with one_core(["sdk"]) as bench, pytest.raises(Lost, match="sdk: KeyError: 'W6'"):
        bench.measure("W6", rounds=1, spans=64, seconds=0)


def test_spans_that_never_arrive_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_delivery_child, "_PATIENCE_SECONDS", 0.05)
    with (
        Sink() as sink,
        _mirror.file() as nobody_writes,
        pytest.raises(RuntimeError, match="spans were lost: 64 spans made, 0 received"),
    ):
        _delivery_child.run("spanwire", "W5", sink.traces_endpoint, str(nobody_writes), 64, 0)
    assert sink.span_count == 64


@pytest.fixture
def counting_perf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A perf that runs the command and says 1,000 instructions a span and 5,000,000 for the rest."""
    script = tmp_path / "perf"
    script.write_text(
        '#!/bin/sh\noutput=$7; shift 8; "$@"; status=$?; spans=0\n'
        "for one; do case $one in 5000|10000) spans=$one; esac; done\n"
        'echo "$((5000000 + 1000 * spans)),,instructions:u,1,100.00,," > "$output"; exit $status\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    _perf.counting.cache_clear()
    yield
    _perf.counting.cache_clear()


@pytest.mark.usefixtures("counting_perf")
def test_instructions_are_those_of_the_spans_alone() -> None:
    with one_core(["spanwire"]) as bench:
        assert bench.instructions("W5", "spanwire", 5_000) == 1_000


@pytest.mark.usefixtures("counting_perf")
def test_the_suite_gives_instructions_where_they_are_counted() -> None:
    (scenario,) = (one for one in SCENARIOS if one.name == "export/W5")
    settings = Settings(("exporter", "spanwire"), rounds=1, scale=0.1, peer_python=sys.executable)
    outcome = scenario.run(settings, lambda part: None)
    assert [row.side for row in outcome.rows] == ["exporter", "spanwire"]
    assert all(row.instructions == pytest.approx(1_000) for row in outcome.rows)


def test_where_spans_are_lost_no_instructions_are_given(counting_perf: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SinkProcess, "count", lambda sink: 1)
    with one_core(["spanwire"]) as bench, pytest.raises(Lost):
        bench.instructions("W5", "spanwire", 5_000)


@pytest.mark.full
@pytest.mark.parametrize("workload", ["W5", "W10", "WR"])
def test_the_peers_deliver_what_the_sdk_sends(workload: str) -> None:
    sides = ["sdk", "fastotel", "ddtrace"]
    if not PEER_PYTHON.exists():
        pytest.skip(NOT_APPLICABLE + "make bench-peers was not run")
    missing = _peers.missing(sides, str(PEER_PYTHON))
    assert list(missing) == (["fastotel"] if sys.version_info < (3, 11) else [])  # it needs 3.11
    said = figures(
        *("--sides", ",".join(side for side in sides if side not in missing), "--workload", workload),
        *("--rounds", "2", "--spans", "3000", "--peer-python", str(PEER_PYTHON)),
    )
    (row,) = said["results"]
    for one in row["sides"].values():
        check_side(one, rounds=2, spans=3000)
    assert said["method"]["peer_versions"]["ddtrace"] == "4.16.0"
