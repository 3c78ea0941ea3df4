"""Two runs beside each other: what changed, judged by ratios; damaged files are refused in one line."""

import contextlib
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire_bench.suite import _compare, _html, _table
from spanwire_bench.suite._compare import Change, changes, differences, read
from spanwire_bench.suite._model import SCHEMA, BadDocument, Document, Outcome, Row
from tests.bench.documents import document, latency, outage

SDK = (99_000.0, 100_000.0, 101_000.0)


def run(spanwire: tuple[float, ...], sdk: tuple[float, ...] = SDK, **more: Any) -> Document:
    rows = (Row("sdk", sdk), Row("spanwire", spanwire))
    return document([Outcome("export/W5", "title", "what", rows, **more)])


def ours(old: Document, new: Document) -> Change:
    (found,) = [one for one in changes(old, new) if one.side == "spanwire"]
    return found


def test_a_ratio_within_the_rounds_of_then_is_said_to_be() -> None:
    found = ours(run((1_000, 1_100, 1_250)), run((1_200, 1_200, 1_200)))
    assert (found.old, found.new, found.within) == (1_100, 1_200, True)
    assert found.words == "within the rounds of then (79 to 101)"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ((2_000, 2_000, 2_000), "below the rounds of then (90 to 101): worse than it was"),
        ((500, 500, 500), "above the rounds of then (90 to 101): better than it was"),
        ((1_050, 1_300, 1_300), "below the rounds of then (90 to 101), but some rounds overlap: doubtful"),
        ((1_300,), "below the rounds of then (90 to 101): worse than it was"),
    ],
)
def test_a_ratio_beyond_them_is_better_or_worse_or_in_doubt(now: tuple[float, ...], words: str) -> None:
    found = ours(run((1_000, 1_050, 1_100)), run(now))
    assert (found.within, found.words) == (False, words)


def test_what_hardly_varies_within_a_run_is_the_same_when_it_is_near() -> None:
    old = run((1_000, 1_000, 1_000), (100_000, 100_000))
    near, far = ours(old, run((1_040, 1_040), (100_000, 100_000))), ours(old, run((1_070, 1_070), (100_000, 100_000)))
    assert (near.within, near.words) == (True, "the same to 5%")
    assert far.within is False


def test_a_machine_twice_as_slow_changes_no_ratio() -> None:
    old = run((1_000, 1_100, 1_250))
    found = ours(old, run((2_000, 2_200, 2_500), tuple(2 * one for one in SDK)))
    assert found.within is True
    assert found.old_ratio is not None and found.new_ratio is not None
    assert found.old_ratio.medians == found.new_ratio.medians


def test_one_round_then_has_no_spread_to_lie_within() -> None:
    found = ours(run((1_000,)), run((1_000, 1_000)))
    assert (found.within, found.words) == (None, "one round then, no spread known")


def test_the_reference_has_no_ratio_but_its_figures() -> None:
    found = changes(run((1_000, 1_000)), run((900, 900)))[0]
    assert (found.side, found.old_ratio, found.within) == ("sdk", None, None)


def test_only_what_both_have_in_the_same_unit_is_compared() -> None:
    old = run((1_000, 1_000))
    assert changes(old, run((1_000, 1_000), unit="bytes")) == []
    assert changes(old, replace(old, outcomes=(replace(old.outcomes[0], name="export/W10"),))) == []
    assert changes(replace(old, outcomes=()), old) == []


def test_places_of_a_curve_are_compared_each_with_its_own() -> None:
    found = changes(document(), document())
    at_eight = [one for one in found if one.outcome == "threads/W5" and one.at == 8]
    assert [one.side for one in at_eight] == ["sdk", "exporter", "spanwire"]


@given(st.lists(st.floats(1, 1e9), min_size=2, max_size=6).map(tuple))
def test_a_run_beside_itself_lies_within(samples: tuple[float, ...]) -> None:
    found = ours(run(samples), run(samples))
    assert found.within is True and found.old == found.new


def test_machines_versions_and_batches_that_differ_are_told() -> None:
    old = document()
    environment = {**old.environment, "cpu": "other", "python": "3.12.1", "versions": {"protobuf": "7.36.2"}}
    new = replace(old, environment=environment, method={**old.method, "batch": 512})
    assert differences(old, new) == [
        "cpu: AMD EPYC 9B14 then, other now",
        "python: 3.13.1 then, 3.12.1 now",
        "opentelemetry-sdk: 1.45.2 then, not known now",
        "batch: not known then, 512 now",
    ]
    assert differences(old, old) == []


def test_a_side_of_another_version_is_told() -> None:
    old = document()
    sides = {**old.sides, "opentelemetry-rust": {**old.sides["opentelemetry-rust"], "version": "0.33.1"}}
    assert differences(old, replace(old, sides=sides)) == ["opentelemetry-rust: 0.32.0 then, 0.33.1 now"]


def test_a_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document().as_json()), encoding="utf-8")
    assert read(str(path)) == document()


def damaged(**changes: Any) -> dict[str, Any]:
    said = document().as_json()
    said.update(changes)
    return said


def a_row(**changes: Any) -> list[dict[str, Any]]:
    outcome = run((1.0,)).outcomes[0].as_json()
    outcome["rows"] = [{"side": "sdk", "samples": [1.0], **changes}]
    return [outcome]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is no result of `spanwire bench --json`"),
        (b'{"command": "bench encode", "schema": 1, "results": []}', "it has no scenarios"),
        ({"schema": 1, "scenarios": []}, f"it has schema 1, this version reads {SCHEMA}"),
        (damaged(scenarios=[{}]), "it is damaged: KeyError('name')"),
        (damaged(scenarios=7), "it is damaged"),
        (damaged(scenarios=[None]), "it is damaged"),
        (damaged(scenarios=[{**a_row()[0], "rows": [None]}]), "it is damaged: AttributeError"),
        (damaged(scenarios=[{**a_row()[0], "stretches": [4]}]), "it is damaged"),
        (damaged(scenarios=a_row(samples=[])), "export/W5 has something that cannot be"),
        (damaged(scenarios=a_row(samples=["1"])), "export/W5 has something that cannot be"),
        (damaged(scenarios=a_row(samples=[float("nan")])), "it is damaged: a number that cannot be"),
        (damaged(scenarios=a_row(samples=[True])), "export/W5 has something that cannot be"),
        (damaged(scenarios=a_row(at="here")), "it is damaged"),
        (damaged(scenarios=a_row(samples=4)), "it is damaged"),
        (damaged(scenarios=a_row(histogram={"edges": [1, 2], "counts": [1, 2]})), "a histogram without its edges"),
        (damaged(scenarios=a_row(histogram={"edges": [2, 1], "counts": [1]})), "a histogram without its edges"),
        (damaged(scenarios=a_row(series=[[1, "2"]])), "export/W5 has something that cannot be"),
        (damaged(scenarios=[*a_row(), *a_row()]), "a scenario is there twice"),
        (damaged(left_out={"export/W5": 4}), "what was left out has something that cannot be"),
        (damaged(environment=[]), "where and how it was measured has something that cannot be"),
        (damaged(sides=None), "where and how it was measured has something that cannot be"),
    ],
)
def test_what_cannot_be_compared_with_is_refused_in_one_line(content: Any, why: str, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(BadDocument) as caught:
        read(str(path))
    assert str(caught.value).startswith(f"{path}: ") and why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        damaged(started="x" * 10_000_000),
        damaged(started={}),
        damaged(method=[]),
        damaged(method=None),
        damaged(environment={"cpu": 10**400}),
        damaged(environment={"versions": {str(number): "1" for number in range(2_000)}}),
        damaged(scenarios=a_row(samples=[10**400])),
        damaged(scenarios=a_row(samples=[5e-324])),
        damaged(scenarios=a_row(samples=[1e300])),
        damaged(scenarios=a_row(side=[])),
        damaged(scenarios=[{**a_row()[0], "rows": "abc"}]),
    ],
)
def test_what_would_break_a_run_after_it_was_measured_is_refused(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BadDocument, match="it is damaged: ") as caught:
        read(str(path))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < len(str(path)) + 200


def test_rounds_that_differ_by_the_last_digit_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    said = run((1.0, 1.0 + 2**-52))
    path.write_text(json.dumps(said.as_json()), encoding="utf-8")
    assert read(str(path)) == said


def test_lists_within_lists_are_no_result(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    said = json.dumps(damaged(environment={"cpu": "here"})).replace('"here"', "[" * 900 + "]" * 900)
    path.write_text(said, encoding="utf-8")
    with contextlib.suppress(BadDocument):
        read(str(path))


def test_texts_of_an_old_file_do_not_steer_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = document().as_json()
    bad = "\x1b]0;pwn\x07\x1b[2Jboo\u202e\ud800\r\nx"
    said |= {"started": bad, "environment": {"cpu": bad, "versions": {bad: bad}}, "sides": {bad: {"version": bad}}}
    said["scenarios"][0]["rows"][0]["note"] = bad  # type: ignore[index]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    old = read(str(path))
    _compare.show(old, document(), "old.json", color=False)
    _table.show(old, color=False)
    out = capsys.readouterr().out
    assert "boo" in out and all(char.isprintable() for char in out.replace("\n", ""))
    assert _html.render(document(), old)


def test_what_an_old_file_says_at_length_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(damaged(started="y" * 3_000)), encoding="utf-8")
    _compare.show(read(str(path)), document(), "old.json", color=False)
    assert capsys.readouterr().out.count("y" * 40) <= 2


SMALL = document(
    [outage(), run((1.0, 2.0), goal=4.0).outcomes[0], latency("latency/steady", "t", sdk=9.0, spanwire=3.0)]
)
anything = st.sampled_from([None, True, -1, 0, 2, 1e300, 0.5, float("nan"), "", "x", [], {}, [1], [[1]], {"a": 1}])


@given(st.data())
def test_whatever_is_damaged_is_refused_or_does_no_harm(data: st.DataObject) -> None:
    said = json.loads(json.dumps(SMALL.as_json()))
    at = said
    while True:
        key = data.draw(st.sampled_from(sorted(at)) if isinstance(at, dict) else st.integers(0, len(at) - 1))
        if not (isinstance(at[key], dict | list) and at[key] and data.draw(st.integers(0, 3))):
            break
        at = at[key]
    at[key] = data.draw(anything)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "old.json")
        path.write_text(json.dumps(said), encoding="utf-8")
        try:
            old = read(str(path))
        except BadDocument as error:
            text = str(error)
        else:
            text = ""
    if text:
        assert text.startswith(f"{path}: ") and "\n" not in text
        return
    with contextlib.redirect_stdout(io.StringIO()):
        _compare.show(old, SMALL, "old.json")
        _table.show(old)
    assert _html.render(SMALL, old)


@pytest.mark.parametrize(("name", "why"), [("nothing.json", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(name: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with pytest.raises(BadDocument, match=why):
        read(str(path))


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compare, "_LARGEST_FILE", 10)
    path = tmp_path / "old.json"
    path.write_bytes(b"[" * 11)
    with pytest.raises(BadDocument, match="larger than any result"):
        read(str(path))


def test_what_is_shown_has_every_side_what_differs_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    old = document()
    new = replace(old, environment={**old.environment, "cpu": "other"})
    _compare.show(old, new, "old.json", color=False)
    text = capsys.readouterr().out
    assert "beside old.json, of 2026-11-25T21:04:11+00:00" in text
    assert "cpu: AMD EPYC 9B14 then, other now" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["threads/W5"] in lines and ["latency/steady"] in lines
    for start in (["opentelemetry-java"], ["spanwire", "8", "threads"], ["sdk", "p99.9"], ["exporter", "maximum"]):
        assert any(line[: len(start)] == start and "+0%" in line for line in lines)
    assert "…" not in text
    total = sum(one.side == "spanwire" and one.within is not None for one in changes(old, new))
    sentence = f"{total} of {total} ratios of spanwire's are the same as then: within its rounds, or to 5%"
    assert total and " ".join(text.split()).endswith(sentence)


def test_what_is_shown_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    _compare.show(document(), document(), "old.json", color=False)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_runs_with_nothing_in_common_are_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    _compare.show(document([]), document(), "old.json", color=False)
    assert "nothing to compare" in capsys.readouterr().out
