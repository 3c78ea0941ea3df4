"""``spanwire bench web``: its parts here; the whole where web frameworks are, in the environment of ``make bench-web``."""

import cProfile
import json
import subprocess
import sys
import time
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from spanwire_bench import _web_null, _web_profile, _web_script
from spanwire_bench._web_apps import SIDES
from spanwire_bench.web import Difference, Result
from tests import processes
from tests.conftest import ROOT

WEB_PYTHON = ROOT / "build/web-venv/bin/python"
TINY = ("bench", "web", "--rounds", "2", "--requests", "20", "--profiled", "10")


def instrumented(tracer: trace.Tracer) -> None:
    """Calls what an instrumentation calls."""
    span = tracer.start_span("GET /", kind=trace.SpanKind.SERVER, attributes={"a": 1})
    with trace.use_span(span, end_on_exit=True):
        if span.is_recording():
            span.set_attribute("b", 2)
        with tracer.start_as_current_span("send") as child:
            child.set_attribute("c", 3)
        span.set_status(trace.StatusCode.OK)


CALLS = {
    "start_span": 1,
    "is_recording": 1,
    "set_attribute": 2,
    "start_as_current_span": 1,
    "set_status": 1,
    "end": 1,
}


def test_calls_are_written_down_without_what_they_call_themselves() -> None:
    provider = _web_script.RecordingProvider()
    instrumented(provider.get_tracer("test"))
    assert provider.calls() == CALLS


def test_a_replay_makes_the_same_spans() -> None:
    finished: list[ReadableSpan] = []

    class Keep(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            finished.append(span)

    recording, real = _web_script.RecordingProvider(), TracerProvider(shutdown_on_exit=False)
    real.add_span_processor(Keep())
    instrumented(recording.get_tracer("test"))
    _web_script.replay(recording.script, real.get_tracer("test"), 2)
    instrumented(real.get_tracer("test"))
    seen = [(one.name, one.kind, dict(one.attributes or {}), one.status.status_code) for one in finished]
    assert len(seen) == 6
    assert seen[:2] == seen[2:4] == seen[4:]


def test_the_null_tracer_records_always_and_its_calls_have_a_cost() -> None:
    tracer = _web_null.NullProvider().get_tracer("test")
    instrumented(tracer)
    with tracer.start_as_current_span("x", kind=trace.SpanKind.CLIENT) as span:
        assert span.is_recording()
        assert trace.get_current_span() is span
    assert _web_null.own_cost({}) == 0
    assert _web_null.own_cost(CALLS) > 100  # ns, and one of them makes a span current


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/env/site-packages/opentelemetry/instrumentation/flask/__init__.py", "instrumentation"),
        ("/env/site-packages/opentelemetry/util/http/__init__.py", "instrumentation"),
        ("/env/site-packages/opentelemetry/trace/__init__.py", "API"),
        ("/env/site-packages/opentelemetry/sdk/trace/__init__.py", "SDK"),
        ("/env/site-packages/opentelemetry/exporter/otlp/proto/http/trace_exporter/__init__.py", "exporter"),
        ("/env/site-packages/spanwire/trace/__init__.py", "spanwire"),
        ("/env/site-packages/flask/app.py", "framework"),
        ("/usr/lib/python3.11/contextlib.py", "Python"),
    ],
)
def test_code_belongs_to_a_package(path: str, group: str) -> None:
    assert _web_profile.group_of(path) == group


def test_a_profile_tells_our_c_functions_from_those_of_the_interpreter() -> None:
    from spanwire.trace import TracerProvider as Ours

    tracer = Ours(shutdown_on_exit=False).get_tracer("test")
    profile = cProfile.Profile()
    with profile:
        for _ in range(200):
            tracer.start_span("x").end()
        time.sleep(0.2)  # longer than a busy machine makes anybody wait for a turn
    groups = _web_profile.by_group(profile)
    assert 0 < groups["spanwire"] < 2e8
    assert groups["Python"] >= 2e8  # the sleep, which this file called: no package
    assert groups["SDK"] == 0


def result(**samples: list[float]) -> Result:
    replayed = {"null": [10.0, 10.0], "official": [110.0, 110.0], "spanwire": [12.0, 12.0]}
    return Result("flask", {}, samples, replayed, {"start_span": 1}, 3.0, {})


def test_the_share_is_beyond_the_null_tracer_and_what_that_costs_itself() -> None:
    one = result(untraced=[100, 110], null=[200, 210], official=[300, 310], spanwire=[202, 212])
    assert one.added("official").median == 200
    assert (one.share("official").median, one.share("spanwire").median) == (103, 5)
    assert one.share_ratio == 103 / 5
    assert one.alone_ratio == 103 / 5
    assert one.goal_met


def test_a_share_that_noise_hides_gives_no_ratio() -> None:
    one = result(untraced=[100, 110], null=[200, 210], official=[300, 310], spanwire=[150, 260])
    assert one.is_noisy and one.share_ratio is None
    assert one.goal_met  # by the calls alone


def test_differences_are_those_of_each_round() -> None:
    assert Difference.of([5.0], [3.0], 1.0) == Difference(3.0, 3.0, 3.0)
    assert Difference.of([10, 100, 1000], [9, 98, 997]).median == 2


@pytest.mark.slow
def test_what_is_missing_is_said_in_a_line_and_left_out() -> None:
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('flask', 'uvicorn'): raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from spanwire.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "bench", "web"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    flask, fastapi = done.stderr.splitlines()
    assert "flask is left out, no flask" in flask and "make bench-web" in flask
    assert "fastapi is left out, no" in fastapi and "uvicorn" in fastapi


def run(*arguments: str) -> str:
    return processes.run([WEB_PYTHON, "-m", "spanwire", *arguments], quiet=True, timeout=110).stdout


@pytest.mark.full
@pytest.mark.web
def test_web_measures_both_frameworks_on_every_side() -> None:
    said = json.loads(run(*TINY, "--json"))
    assert (said["command"], said["schema"]) == ("bench web", 1)
    rows: list[dict[str, Any]] = said["results"]
    assert [(row["framework"], row["spans_per_request"]) for row in rows] == [("flask", 1), ("fastapi", 3)]
    for row in rows:
        assert list(row["cpu"]) == list(row["profile"]) == list(SIDES)
        assert all(one["minimum"] > 0 for one in row["cpu"].values())
        assert row["calls_per_request"]["set_attribute"] > 5
        assert row["calls_alone"]["official"]["median"] > row["calls_alone"]["spanwire"]["median"] > 0
        profile = row["profile"]
        assert profile["untraced"]["instrumentation"] == 0 < profile["null"]["instrumentation"]
        assert profile["null"]["SDK"] == profile["spanwire"]["SDK"] == 0 < profile["official"]["SDK"]
        assert profile["official"]["spanwire"] == 0 < profile["spanwire"]["spanwire"]


@pytest.mark.full
@pytest.mark.web
def test_web_shows_tables_and_a_verdict() -> None:
    said = run(*TINY, "--framework", "flask")
    assert "CPU a request: flask" in said
    assert "Whose code a request runs" in said
    assert "flask, 1 span a request: " in said and "(goal: ≥ 15)" in said
    assert "fastapi" not in said
