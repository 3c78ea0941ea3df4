"""The table fits a terminal, says what can be said, and needs no more than ASCII where there is no more."""

import io
import sys
from dataclasses import replace
from typing import Any

import pytest

from spanwire_bench.suite import _table
from spanwire_bench.suite._model import Document, Outcome, Row
from tests.bench.documents import bars, document


def shown(said: Document, capsys: pytest.CaptureFixture[str]) -> str:
    _table.show(said, color=False)
    return capsys.readouterr().out


def one(*rows: Row, **more: Any) -> Document:
    return document([Outcome("export/W5", "title", "what", rows, **more)], left_out={})


def test_a_whole_run_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(document(), capsys)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text  # nothing was cut


def test_every_outcome_and_side_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    said = document()
    text = shown(said, capsys)
    for outcome in said.outcomes:
        assert f"{outcome.name}  {outcome.title}" in text.replace("\n", " ")
    rows = {line.split()[0] for line in text.splitlines() if line.strip()}
    assert {"sdk", "exporter", "spanwire", "fastotel", "ddtrace", "opentelemetry-rust", "opentelemetry-java"} <= rows


def test_a_row_has_minimum_median_spread_a_bar_and_the_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(one(Row("sdk", (50_000, 52_000, 54_000)), Row("spanwire", (640, 650, 660))), capsys)
    lines = [line.split() for line in text.splitlines()]
    assert ["sdk", "50.0", "µs", "52.0", "µs", "8%", "█" * 14] in lines
    assert ["spanwire", "640", "ns", "650", "ns", "3%", "▏", "80"] in lines
    assert "SDK takes 80 (76 to 84) times the CPU of spanwire" in text


def test_verdicts_say_goals_doubts_and_peers(capsys: pytest.CaptureFixture[str]) -> None:
    rows = (Row("sdk", (50_000, 52_000)), Row("spanwire", (640, 650)), Row("opentelemetry-rust", (645, 655)))
    text = " ".join(shown(one(*rows, goal=90), capsys).split())
    assert "goal 90: NOT met" in text
    assert "of opentelemetry-rust's CPU; doubtful: the rounds overlap, no order can be told" in text
    assert "1 scenario, 0 of 1 goal met, 1 doubtful; 8:31 minutes" in text


def test_instructions_have_a_column_where_they_were_counted(capsys: pytest.CaptureFixture[str]) -> None:
    row = Row("spanwire", (640, 650))
    assert "instr." not in shown(one(row), capsys)
    text = shown(one(replace(row, instructions=6_630.0)), capsys)
    assert "instr." in text and "6,630" in text


def test_a_curve_has_a_row_for_each_place_and_quantiles_a_column_each(capsys: pytest.CaptureFixture[str]) -> None:
    curve = [
        Row(side, (value / at, value / at), at=at) for side, value in (("sdk", 80), ("spanwire", 8)) for at in (1, 2)
    ]
    lines = [line.split() for line in shown(one(*curve, plot="curve", axis="threads"), capsys).splitlines()]
    assert ["threads", "sdk", "spanwire", "SDK", "÷"] in lines
    assert ["2", "40.0", "ns", "4.00", "ns", "10.0"] in lines
    quantiles = [Row("sdk", (value, value), at=at) for at, value in ((0.5, 3), (0.99, 30), (1.0, 300))]
    lines = [line.split() for line in shown(one(*quantiles, plot="histogram"), capsys).splitlines()]
    assert ["p50", "p99", "maximum"] in lines
    assert ["sdk", "3.00", "ns", "30.0", "ns", "300", "ns"] in lines


def test_many_sides_of_a_curve_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    sides = ("sdk", "exporter", "spanwire", "fastotel", "ddtrace", "fastrace")
    curve = [Row(side, (1_000.0, 1_000.0), at=at) for side in sides for at in (1, 8)]
    text = shown(one(*curve, plot="curve", axis="threads"), capsys)
    assert {"1 thread", "8 threads"} <= {
        part.strip() for line in text.splitlines() for part in line.split("  ") if part
    }
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("samples", [(0.0, 0.0), (-5.0, -4.0), (7.0,), (1e15, 2e15)])
def test_odd_values_are_shown_too(samples: tuple[float, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for unit in ("ns", "bytes", "%", "spans/s"):
        text = shown(one(Row("sdk", (1.0, 2.0)), Row("spanwire", samples), unit=unit), capsys)
        assert "spanwire" in text and max(map(len, text.splitlines())) <= 80


def test_a_run_without_outcomes_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(document([], complete=False, left_out={"export/W5": "interrupted"}), capsys)
    text = " ".join(text.split())
    assert "left out: export/W5: interrupted" in text
    assert "0 scenarios, none doubtful, 1 left out; 8:31 minutes (interrupted: this is a part)" in text


def test_without_unicode_everything_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    _table.show(document([bars("export/W5", "title", {"sdk": 52_000.0, "spanwire": 600.0})]), color=False)
    stream.flush()
    text = _bytes(stream).decode("ascii")
    assert "#" * 8 in text and "SDK /" in text and "us" in text and "?" not in text


def _bytes(stream: io.TextIOWrapper) -> bytes:
    stream.seek(0)
    return bytes(stream.buffer.read())


def test_colours_are_only_there_where_they_are_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    _table.show(document())
    assert "\x1b[1;32m" in capsys.readouterr().out
    _table.show(document(), color=False)
    assert "\x1b[1;32m" not in capsys.readouterr().out
