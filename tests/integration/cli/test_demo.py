"""The demo runs for real: sockets, database, exporter, sink."""

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.processes import Ended, python

pytestmark = pytest.mark.slow


def demo(*arguments: str) -> Ended:
    return python("-m", "spanwire", "demo", *arguments, status=None, timeout=100)


def test_each_way_delivers_everything_and_has_its_cpu() -> None:
    done = demo("--spans", "700", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said: dict[str, Any] = json.loads(done.stdout)
    assert list(said["ways"]) == ["sdk", "exporter", "spanwire"]
    for one in said["ways"].values():
        assert one["sent"] == one["received"] >= 700
        assert one["lost"] == 0
        assert one["failed_spans"] > 0
        assert one["requests"] >= 1
        assert 100 < one["bytes_per_span"] < 1000
    assert said["sent"] == said["ways"]["spanwire"]["sent"]
    costs = said["cpu_ns_per_span"]
    assert list(costs) == ["sdk", "exporter", "spanwire"]
    for cost in costs.values():
        assert 0 < cost["minimum"] <= cost["median"]
        assert cost["sdk_times"]["ratio_of_minima"] == costs["sdk"]["minimum"] / cost["minimum"]


def test_each_way_sends_the_same_trees() -> None:
    said = json.loads(demo("--spans", "50", "--no-cpu", "--json").stdout)
    trees = said["same_trees"]
    assert (trees["same"], trees["difference"]) == (True, None)
    assert trees["traces"] > 60 and trees["spans"] > 200
    assert said["cpu_ns_per_span"] is None


def test_without_the_official_exporter_its_way_is_left_out_with_a_line() -> None:
    program = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.startswith('opentelemetry.exporter'): raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
sys.argv = ["spanwire", "demo", "--spans", "50", "--no-cpu", "--json"]
from spanwire.cli import main; main()
"""
    done = python("-c", program, status=None, timeout=100)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1 and "pip install opentelemetry-exporter-otlp-proto-http" in done.stderr
    said = json.loads(done.stdout)
    assert list(said["ways"]) == ["exporter", "spanwire"]
    assert said["same_trees"]["same"] is True


def test_trees_that_differ_end_it_with_status_1_and_the_difference() -> None:
    # One more span for each request, by a native tracer only.
    program = """
import sys
from spanwire.cli import _shop, main

ask = _shop.Shop._query

def query(shop, *arguments):
    if type(shop._web).__module__.startswith("spanwire."):
        shop._web.start_span("uninvited").end()
    return ask(shop, *arguments)

_shop.Shop._query = query
sys.argv = ["spanwire", "demo", "--spans", "50", "--no-cpu", "--json"]
main()
"""
    done = python("-c", program, status=None, timeout=100)
    assert done.returncode == 1
    assert (
        "the trees differ: the SDK with the official exporter and spanwire's tracer and exporter: only sdk has"
        in done.stderr
    )
    assert json.loads(done.stdout)["same_trees"]["same"] is False


@pytest.mark.parametrize(("tracer", "ways"), [("native", ["spanwire"]), ("sdk", ["sdk", "exporter"])])
def test_one_tracer_can_be_asked_for(tracer: str, ways: list[str]) -> None:
    said = json.loads(demo("--spans", "50", "--no-cpu", "--json", "--tracer", tracer).stdout)
    assert list(said["ways"]) == ways
    assert said["sent"] == said["received"] >= 50
    assert (said["same_trees"] is None) == (tracer == "native")


def test_it_shows_a_trace_and_figures_within_80_columns() -> None:
    done = demo("--spans", "300", "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^✗ POST /orders server +━+", done.stdout, re.MULTILINE)
    assert "assess risk internal" in done.stdout
    assert done.stdout.count("nothing lost") == 3
    assert "same trees in each way: yes" in done.stdout
    for way in ("sdk", "exporter", "spanwire"):
        assert re.search(rf"^{way} +[\d,]+ +[\d,]+ nothing lost +\d+ +[\d.]+ [µn]s ", done.stdout, re.MULTILINE)
    assert "…" not in done.stdout.rpartition("CPU a span")[2]
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_rejected_spans_end_it_with_status_1_and_the_reason() -> None:
    done = demo("--spans", "100", "--reject", "5", "--no-cpu")
    assert done.returncode == 1
    made, received = map(int, re.findall(r"(\d+) made, (\d+) received", done.stderr)[0])
    assert made - received == 5
    assert done.stderr.count("5 spans lost") == 3 and "rejected 5" in done.stderr
    assert "5 spans lost" in done.stdout


def test_what_is_configured_for_an_application_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("SPANWIRE_DISABLED", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    said = json.loads(demo("--spans", "50", "--json").stdout)
    assert said["sent"] == said["received"] >= 50


def test_a_time_can_be_given_instead_of_a_number() -> None:
    done = demo("--seconds", "0.2", "--no-cpu", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert said["sent"] == said["received"] > 0
    assert said["cpu_ns_per_span"] is None


@pytest.mark.parametrize("arguments", [["--spans", "0"], ["--workers", "0"], ["--reject", "-1"], ["--seconds", "0"]])
def test_senseless_options_are_refused(arguments: list[str]) -> None:
    done = demo(*arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr


def test_ctrl_c_ends_it_quietly_while_customers_are_in_the_shop() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "spanwire", "demo", "--seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout is not None
    while "received" not in process.stdout.readline():  # the line that it prints each second
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in out + err and "Exception" not in out + err
