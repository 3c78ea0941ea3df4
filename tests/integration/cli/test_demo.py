"""The demo runs for real: sockets, database, exporter, sink."""

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "spanwire", "demo", *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=100,
    )


def test_everything_that_was_sent_is_received() -> None:
    done = demo("--spans", "700", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["sent"] == said["received"] >= 700
    assert said["lost"] == 0
    assert said["failed_spans"] > 0
    assert said["requests"] >= 1
    assert 100 < said["bytes_per_span"] < 1000
    assert set(said["tracers"]) == {"native", "sdk"}
    assert all(one["sent"] == one["received"] >= 700 for one in said["tracers"].values())
    costs = said["exporter_cpu_ns_per_span"]
    assert set(costs) == {"spanwire", "official", "ratio_of_minima"}
    assert 0 < costs["spanwire"]["minimum"] <= costs["spanwire"]["median"]


def test_the_native_tracer_sends_the_sdks_trees() -> None:
    said = json.loads(demo("--spans", "50", "--no-cpu", "--json").stdout)
    trees = said["same_trees"]
    assert (trees["same"], trees["difference"]) == (True, None)
    assert trees["traces"] > 60 and trees["spans"] > 200


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
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False, timeout=100
    )
    assert done.returncode == 1
    assert "the native tracer's trees differ from the SDK's" in done.stderr
    assert json.loads(done.stdout)["same_trees"]["same"] is False


@pytest.mark.parametrize("tracer", ["native", "sdk"])
def test_one_tracer_can_be_asked_for(tracer: str) -> None:
    said = json.loads(demo("--spans", "50", "--no-cpu", "--json", "--tracer", tracer).stdout)
    assert set(said["tracers"]) == {tracer}
    assert said["sent"] == said["received"] >= 50
    assert said["same_trees"] is None


def test_it_shows_a_trace_and_figures_within_80_columns() -> None:
    done = demo("--spans", "300", "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^✗ POST /orders server +━+", done.stdout, re.MULTILINE)
    assert "assess risk internal" in done.stdout
    assert done.stdout.count("nothing lost") == 2
    assert "same trees     yes" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout


def test_rejected_spans_end_it_with_status_1_and_the_reason() -> None:
    done = demo("--spans", "100", "--reject", "5", "--no-cpu")
    assert done.returncode == 1
    made, received = map(int, re.findall(r"(\d+) made, (\d+) received", done.stderr)[0])
    assert made - received == 5
    assert "5 spans lost" in done.stderr and "rejected 5" in done.stderr
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
    assert said["exporter_cpu_ns_per_span"] is None


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
