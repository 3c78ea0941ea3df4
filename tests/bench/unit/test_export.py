"""What ``bench export`` makes of its rounds, and how it compares what was received. No process is started."""

import ast
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from spanwire_bench import _delivery, _delivery_profile, _delivery_report, _intake, _mirror, _shapes
from spanwire_bench._costs import Cost
from spanwire_bench._delivery import Result, Side
from spanwire_bench._delivery_profile import Profiled
from spanwire_bench._measure import Figure
from spanwire_bench._shapes import Shape


def side(name: str, *cpu: float) -> Side:
    return Side(name, Figure.of(cpu), 100, 300, 20.0)


def shape(name: str = "GET", /, **attributes: Any) -> Shape:
    return {"name": name, "attributes": attributes}


def test_a_figure_says_how_far_its_rounds_are_apart() -> None:
    figure = Figure.of([20.0, 30.0, 25.0])
    assert (figure.minimum, figure.median, figure.maximum, figure.rounds) == (20.0, 25.0, 30.0, 3)
    assert figure.spread == 0.4


def test_the_better_peer_is_the_one_with_the_smaller_minimum() -> None:
    result = Result(
        "W5", (side("sdk", 40.0, 44.0), side("ddtrace", 26.0), side("fastotel", 22.0), side("spanwire", 0.5))
    )
    said: Any = result.as_json()
    assert said["better_peer_times"] == {"peer": "fastotel", "ratio_of_minima": 44.0, "ratio_of_medians": 44.0}
    assert said["sides"]["spanwire"]["sdk_times"] == {"ratio_of_minima": 80.0, "ratio_of_medians": 84.0}


def test_without_the_sdk_or_peers_nothing_is_compared() -> None:
    said: Any = Result("W5", (side("spanwire", 0.5),)).as_json()
    assert said["better_peer_times"] is None
    assert said["sides"]["spanwire"]["sdk_times"] is None


def test_a_profile_says_what_each_stage_adds_and_who_has_the_time() -> None:
    stages = {"made": Figure.of([500.0, 520.0]), "queued": Figure.of([560.0]), "spanwire": Figure.of([720.0, 700.0])}
    costs = [Cost("eval", "python", 400.0), Cost("copy", "libc", 200.0), Cost("malloc", "libc", 100.0)]
    one = Profiled("W5", stages, costs)
    assert one.parts == {"made": 500.0, "queued": 60.0, "spanwire": 140.0}
    assert one.by_library == {"python": 400.0, "libc": 300.0}
    assert one.as_json()["total"] == 700.0


def test_the_profile_without_perf_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    one = Profiled("W5", {stage: Figure.of([100.0]) for stage in _delivery_profile.STAGES}, [])
    _delivery_profile.show([one], {}, color=False)
    said = capsys.readouterr().out
    assert "perf would say" in said
    assert max(map(len, said.partition("\n\n")[0].splitlines())) <= 80


def test_a_profile_names_the_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    stages = {stage: Figure.of([100.0]) for stage in _delivery_profile.STAGES}
    _delivery_profile.show([Profiled("W5", stages, [Cost("copy", "[kernel.kallsyms]", 90.0)])], {}, color=False)
    assert "ns by library: [kernel.kallsyms] 90" in capsys.readouterr().out


def test_the_report_says_who_has_batches_of_its_own_and_who_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    noted = Side("fastrace", Figure.of([2000.0]), 100, 300, 20.0, "batches of its own")
    results = [
        Result("WR", (side("spanwire", 500.0),), left_out=("fastrace",)),
        Result("W5", (side("spanwire", 500.0), noted)),
    ]
    _delivery_report.show(results, {"sender_core": 1}, color=False)
    said = capsys.readouterr().out
    assert "delivered all of 300 spans; batches of its own\n" in said
    assert "WR: left out, since they do not make it: fastrace\n" in said


def test_the_table_of_every_side_fits_80_columns_with_its_figures_whole(capsys: pytest.CaptureFixture[str]) -> None:
    everyone = tuple(side(name, 54_321.0, 98_765.0) for name in _delivery.SIDES)
    _delivery_report.show([Result("W10", everyone)], {"sender_core": 1}, color=False)
    table = capsys.readouterr().out.partition("\n\n")[0]
    assert table.count("54.3 µs") == len(everyone)
    assert all(name in table for name in _delivery.SIDES)
    assert max(map(len, table.splitlines())) <= 80


def test_a_row_names_the_sides_that_do_not_make_the_workload() -> None:
    row = Result("WR", (side("spanwire", 500.0, 510.0),), left_out=("fastrace",)).as_json()
    assert row["left_out"] == ["fastrace"]
    sides = row["sides"]
    assert isinstance(sides, dict) and sides["spanwire"]["samples"] == [500.0, 510.0]


def test_progress_counts_the_workloads_that_a_side_makes() -> None:
    assert _delivery.steps(["W5", "WR"], ["spanwire", "fastrace"], rounds=3) == 9


@pytest.mark.parametrize("cores", [(1, 0), (None, None)])
def test_the_report_says_whether_sender_and_receiver_were_pinned_apart(
    cores: tuple[int | None, int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    result = Result("W5", (side("sdk", 40_000.0), side("fastotel", 22_000.0), side("spanwire", 500.0)))
    _delivery_report.show([result], {"sender_core": cores[0], "receiver_core": cores[1]}, color=False)
    said = capsys.readouterr().out
    assert "W5: the SDK takes 80.0× the CPU of spanwire; the better peer (fastotel) takes 44.0× the CPU" in said
    assert "delivered all of 300 spans" in said
    assert ("not pinned apart" in said) == (cores == (None, None))


def test_the_same_spans_in_another_order_are_the_same() -> None:
    assert _shapes.difference([shape(a=1), shape(a=2)], [shape(a=2), shape(a=1)]) is None


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        ([shape(a=1)], "is missing"),
        ([shape(a=1), shape(a=1), shape(a=1)], "is too much"),
        ([shape(a=1), shape(a=True)], "is missing"),
        ([shape(a=1), shape(a="1")], "is missing"),
    ],
)
def test_other_spans_are_a_difference(sent: list[Shape], what: str) -> None:
    difference = _shapes.difference([shape(a=1), shape(a=1)], sent)
    assert difference is not None and difference.startswith(what)


def test_datadogs_spans_are_compared_by_name_and_by_the_attributes_that_the_others_have() -> None:
    reference = [
        shape("GET", **{"s": "x", "i": 200, "f": 0.5, "b": True, "l": ["p", "q"], "http.response.status_code": 200})
    ]
    sent = shape(
        "GET", **{"s": "x", "i": 200.0, "f": 0.5, "b": "True", "l.0": "p", "l.1": "q", "http.status_code": "200"}
    )
    sent["attributes"]["_dd.p.tid"] = "its own"
    assert _shapes.difference(reference, [sent], loosely=True) is None
    for key in ("s", "i", "b", "l.1", "http.status_code"):
        less: Shape = {"name": "GET", "attributes": {k: v for k, v in sent["attributes"].items() if k != key}}
        assert _shapes.difference(reference, [less], loosely=True) is not None
    assert _shapes.difference(reference, [shape("POST", **sent["attributes"])], loosely=True) is not None


@pytest.fixture
def literals(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of msgpack, which is not installed here: bodies are Python's literals."""
    stand_in = types.ModuleType("msgpack")
    stand_in.unpackb = lambda body, strict_map_key: ast.literal_eval(body.decode())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "msgpack", stand_in)


SPAN_V04 = {"resource": "GET", "meta": {"k": "v"}, "metrics": {"n": 1.0}}
WORDS = ["", "bench", "op", "GET", "k", "v", "n", "web"]
SPAN_V05 = [1, 2, 3, 11, 12, 0, 5, 6, 0, {4: 5}, {6: 1.0}, 7]


@pytest.mark.usefixtures("literals")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v0.4/traces", [[SPAN_V04, SPAN_V04], [SPAN_V04]]),
        ("/v0.5/traces", [WORDS, [[SPAN_V05, SPAN_V05], [SPAN_V05]]]),
    ],
)
def test_the_intake_reads_both_of_datadogs_formats(path: str, body: object) -> None:
    received = _intake.Received()
    received.add(path, repr(body).encode())
    received.add("/info", b"")
    assert (received.spans, received.requests) == (3, 1)
    assert received.kept == [shape(k="v", n=1.0)] * 3
    received.clear()
    assert (received.spans, received.requests, received.kept) == (0, 0, [])


@pytest.mark.usefixtures("literals")
def test_the_intake_refuses_a_format_that_it_cannot_count() -> None:
    with pytest.raises(ValueError, match=r"v0\.9"):
        _intake.Received().add("/v0.9/traces", b"[]")


def test_a_mirrored_count_can_be_read_and_begins_again() -> None:
    count = 7

    def clear() -> None:
        nonlocal count
        count = 0

    with _mirror.file() as path:
        read = _mirror.reader(str(path))
        assert read() == 0
        with _mirror.Writer(str(path), lambda: count) as writer:
            while not read():
                pass
            assert read() == 7
            writer.clearing(clear)
            assert read() == 0
    assert not Path(path).exists()
