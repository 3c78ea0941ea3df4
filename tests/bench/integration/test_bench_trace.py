"""``spanwire bench trace`` measures each case on both sides and says so in one JSON shape. No figure is judged."""

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from typer.testing import CliRunner

from spanwire.cli import make_app
from spanwire_bench import _trace_cases, _trace_loops
from spanwire_bench._trace_sides import MODULES, NullExporter, Side
from tests.processes import python

pytestmark = pytest.mark.slow


def bench(*arguments: str) -> Any:
    return json.loads(python("-m", "spanwire", "bench", "trace", *arguments, "--json", quiet=True, timeout=110).stdout)


def test_every_case_is_measured_on_both_sides() -> None:
    said = bench("--rounds", "2", "--sample", "0.05")
    assert (said["command"], said["schema"], said["method"]["rounds"]) == ("bench trace", 1, 2)
    assert [row["case"] for row in said["results"]] == [case.name for case in _trace_cases.CASES]
    for row, case in zip(said["results"], _trace_cases.CASES, strict=True):
        assert set(row) == {"case", "group", "what", "note", "unit", "times", "goal", "goal_met"}
        for side in MODULES:
            assert 0 < row["times"][side]["minimum"] <= row["times"][side]["median"]
            assert row["times"][side]["rounds"] == 2
        assert row["goal"] == case.goal
        assert (row["goal_met"] is None) == (case.goal is None)


def test_only_the_cases_asked_for_are_measured() -> None:
    said = bench("--rounds", "1", "--sample", "0.05", "--case", "unsampled", "--case", "w5")
    assert [row["case"] for row in said["results"]] == ["w5", "unsampled-root", "unsampled-child"]


def test_unknown_cases_are_refused_with_the_known_ones() -> None:
    done = CliRunner().invoke(make_app(), ["bench", "trace", "--case", "w6"])
    assert done.exit_code == 1
    assert "w6" in done.stderr and "w5, w5-no-processor" in done.stderr


@pytest.mark.parametrize("name", MODULES)
def test_both_sides_do_the_work_that_is_timed(name: str) -> None:
    finished: list[ReadableSpan] = []
    with Side(name) as side:

        class Keep(side.trace.SpanProcessor):  # type: ignore[misc, name-defined]
            def on_end(self, span: ReadableSpan) -> None:
                finished.append(span)

        tracer = side.tracer(Keep())
        _trace_loops.w5(tracer, 2)
        _trace_loops.w10(tracer, 1)
    first, second, ten = finished
    assert first.context.trace_id != second.context.trace_id
    assert (first.parent, first.name, first.kind) == (None, "GET /users/{id}", trace.SpanKind.SERVER)
    assert (
        dict(first.attributes or {})
        == dict(second.attributes or {})
        == {
            "http.request.method": "GET",
            "url.path": "/users/42",
            "http.response.status_code": 200,
            "server.load": 0.42,
            "cache.hit": True,
        }
    )
    assert len(ten.attributes or {}) == 10


def test_unsampled_cases_record_nothing() -> None:
    for name in MODULES:
        with Side(name) as side:
            assert not side.discarding(side.sampling.ALWAYS_OFF).start_span("x").is_recording()
            assert side.discarding().start_span("x").is_recording()


def test_our_discarding_side_writes_frames_and_drops_them() -> None:
    with Side("spanwire") as side:
        provider = side.discarding_provider()
        _trace_loops.w5(provider.get_tracer("bench"), 20_000)
        (processor,) = provider._active_span_processor._span_processors
        counts = processor._queue.counts()  # type: ignore[attr-defined]
    assert counts["accepted"] == 20_000
    assert counts["full"] > 0
    assert counts["queued"] + counts["full"] == 20_000


@pytest.mark.parametrize("name", MODULES)
def test_a_side_that_is_left_has_shut_its_providers_down(name: str) -> None:
    stopped = []

    class Exporter(NullExporter):
        def shutdown(self) -> None:
            stopped.append(name)

    with Side(name) as side:
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        side.tracer(SimpleSpanProcessor(Exporter()))
    assert stopped == [name]


@pytest.mark.parametrize("name", MODULES)
def test_proxied_cases_leave_the_api_as_it_was(name: str) -> None:
    before = trace._TRACER_PROVIDER, vars(trace.ProxyTracer)["_tracer"]
    for case in _trace_cases.select(["proxy", "proxy-shortcut"])[0]:
        with Side(name) as side:
            case.make(side)(100)
    assert (trace._TRACER_PROVIDER, vars(trace.ProxyTracer)["_tracer"]) == before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="not applicable: glibc's mtrace is on Linux")
def test_a_span_allocates_nothing_but_what_cpython_does_by_itself() -> None:
    own = {
        "start-end": (),
        "w5": ("context-variable", "enum-member"),
        "unsampled-child": ("context-variable-within", "enum-member"),
    }
    asked = {*own, *(part for parts in own.values() for part in parts)}
    said = bench("--allocations", *(argument for name in asked for argument in ("--case", name)))
    rows = {(row["case"], row["side"]): row for row in said["results"]}
    assert rows["context-variable", "spanwire"]["mallocs_per_operation"] > 1  # the counter counts
    assert rows["w5", "official"]["mallocs_per_operation"] > 50
    for case, parts in own.items():
        ours = rows[case, "spanwire"]
        floor = sum(rows[part, "spanwire"]["mallocs_per_operation"] for part in parts)
        assert ours["native_mallocs_per_operation"] <= 0.01, ours
        assert ours["mallocs_per_operation"] <= floor + 0.05, ours
        assert ours["python_blocks_left"] <= 10, ours


@pytest.mark.full
@pytest.mark.timeout(400)
@pytest.mark.requires_program("valgrind")
def test_instructions_are_counted_by_function() -> None:
    said = bench("--profile", "--case", "set-status")
    rows = {row["side"]: row for row in said["results"] if row["unit"] == "instructions per operation"}
    for side in MODULES:
        row = rows[side]
        assert row["total"] == pytest.approx(sum(one["amount"] for one in row["by_function"]))
        assert row["total"] == pytest.approx(sum(row["by_library"].values()))
    assert "_PyEval_EvalFrameDefault" in {one["function"] for one in rows["official"]["by_function"]}
