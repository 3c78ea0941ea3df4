"""The benchmarks measure what they say, refuse to measure nonsense, and print one JSON shape. No figure is judged."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from typer.testing import CliRunner

import spanwire
from spanwire.cli import make_app
from spanwire_bench import _mtrace
from spanwire_bench._sink_process import SinkProcess
from tests.processes import python

pytestmark = pytest.mark.slow


def bench(*arguments: str) -> Any:
    return json.loads(python("-m", "spanwire", "bench", *arguments, "--json", quiet=True, timeout=110).stdout)


def check_comparison(one: Any) -> None:
    assert set(one) == {"official", "spanwire", "ratio_of_minima", "ratio_of_medians"}
    for side in ("official", "spanwire"):
        assert set(one[side]) == {"minimum", "median", "rounds"}
        assert one[side]["minimum"] <= one[side]["median"]
    assert one["ratio_of_minima"] == one["official"]["minimum"] / one["spanwire"]["minimum"]
    assert one["ratio_of_medians"] == one["official"]["median"] / one["spanwire"]["median"]


def check_document(said: Any, command: str) -> None:
    assert set(said) == {"command", "schema", "environment", "method", "results"}
    assert (said["command"], said["schema"]) == (command, 1)
    assert said["environment"]["versions"]["spanwire"] == spanwire.__version__


def test_encode_compares_every_workload_fresh_and_again() -> None:
    said = bench("encode", "--rounds", "3", "--batch", "20")
    check_document(said, "bench encode")
    rows = said["results"]
    assert [(row["workload"], row["state"]) for row in rows] == [
        (name, state) for name in ("W5", "W10", "WR") for state in ("fresh", "again")
    ]
    for row in rows:
        check_comparison(row["thread_cpu"])
        assert row["thread_cpu"]["spanwire"]["rounds"] == 3
        assert 200 < row["bytes_per_span"] < 1000


@pytest.mark.parametrize(("protocol", "compression"), [("http/protobuf", "none"), ("grpc", "none"), ("grpc", "gzip")])
def test_the_exporters_alone_deliver_the_same_spans(protocol: str, compression: str) -> None:
    few = ["--rounds", "2", "--batch", "30", "--batches", "2", "--workload", "wr"]
    said = bench("export", "--exporter-only", "--protocol", protocol, "--compression", compression, *few)
    check_document(said, "bench export --exporter-only")
    assert (said["method"]["protocol"], said["method"]["compression"]) == (protocol, compression)
    (row,) = said["results"]
    for clock in ("process_cpu", "caller_cpu", "wall"):
        check_comparison(row[clock])
    assert row["delivered_by_each"] % 60 == 0
    official, ours = (row["wire_bytes_per_span"][side] for side in ("official", "spanwire"))
    assert abs(ours / official - 1) < 0.1
    assert (ours > 300) == (compression == "none")


def test_import_gives_whole_processes_and_what_the_import_adds() -> None:
    said = bench("import", "--rounds", "2")
    check_document(said, "bench import")
    (row,) = said["results"]
    for name in ("whole_process", "whole_process_with_class"):
        check_comparison(row[name])


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="not applicable: glibc's mtrace is on Linux")
def test_the_fast_path_allocates_nothing_for_a_span() -> None:
    said = bench("encode", "--allocations", "--batch", "400", "--workload", "W5", "--workload", "W10")
    check_document(said, "bench encode --allocations")
    by_side = {(row["workload"], row["side"]): row for row in said["results"]}
    for workload in ("W5", "W10"):
        assert by_side[workload, "official"]["mallocs_per_span"] > 50  # the counter counts
        ours = by_side[workload, "spanwire"]
        assert ours["mallocs_per_span"] <= 4 / 400
        assert ours["reallocs_per_span"] <= 4 / 400


def test_the_profile_names_the_parts_that_a_workload_has() -> None:
    said = bench("encode", "--profile", "--rounds", "2", "--batch", "50", "--workload", "W5", "--workload", "WR")
    check_document(said, "bench encode --profile")
    parts = {
        workload: {row["part"] for row in said["results"] if row["workload"] == workload} for workload in ("W5", "WR")
    }
    assert "attributes" in parts["W5"] < parts["WR"]
    assert {"events", "links", "status", "parent", "trace state"} <= parts["WR"]


def test_an_allocation_a_span_is_seen(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(
        "= Start\n@ ./x.so:[0x1] + 0x55d0 0x20\n@ ./x.so:[0x1] < 0x55d0\n@ ./x.so:[0x1] > 0x55e0 0x40\n"
        "@ ./x.so:[0x1] - 0x55e0\n= End\n",
        encoding="ascii",
    )
    assert _mtrace.parse(trace) == _mtrace.Traced(mallocs=1, reallocs=1, bytes=0x60)


def test_no_figures_are_given_when_the_bytes_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    real = spanwire.encode_spans

    def wrong(spans: Sequence[ReadableSpan]) -> bytes:
        encoded = bytearray(real(spans))
        encoded[-1] ^= 1
        return bytes(encoded)

    monkeypatch.setattr(spanwire, "encode_spans", wrong, raising=False)
    done = CliRunner().invoke(make_app(), ["bench", "encode", "--rounds", "1", "--batch", "3", "--json"])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "bytes differ" in done.stderr


def test_unknown_workloads_are_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(make_app(), ["bench", "encode", "--workload", "W6"])
    assert done.exit_code == 1
    assert "W6" in done.stderr and "W5, W10, WR" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["encode"],
        ["export"],
        ["export", "--exporter-only", "--protocol", "grpc"],
        ["import"],
        ["latency"],
        ["memory"],
        ["threads"],
    ],
)
def test_without_the_official_exporter_one_line_says_what_to_install(command: list[str]) -> None:
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('opentelemetry.exporter'): raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from spanwire.cli import main; main()"
    )
    done = python("-c", program, "bench", *command, status=1)
    assert done.stderr.count("\n") == 1
    assert "pip install opentelemetry-exporter-otlp-proto-http" in done.stderr


def test_the_sinks_process_leaves_ctrl_c_to_the_command() -> None:
    with SinkProcess() as sink:
        assert sink._process is not None
        assert os.getpgid(sink._process.pid) != os.getpgid(0)
        assert sink.count() == 0
        process = sink._process
    assert process.returncode == 0
