"""``spanwire bench columns`` measures both sides and says so. No figure is judged."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from spanwire.cli import make_app
from spanwire_bench.columns import GOALS, LAYOUTS, measure
from spanwire_bench.encode import BytesDiffer
from tests.processes import python

pytestmark = pytest.mark.slow


def run(*arguments: str) -> str:
    return python("-m", "spanwire", "bench", "columns", *arguments, quiet=True, timeout=110).stdout


def test_a_row_for_each_layout_and_number_of_rows() -> None:
    said = json.loads(run("--rows", "600", "--rows", "5000", "--rounds", "2", "--json"))
    *rows, memory = said["results"]
    assert [(row["layout"], row["rows"]) for row in rows] == [
        (layout, count) for layout in LAYOUTS for count in (600, 5000)
    ]
    for row in rows:
        assert 200 < row["bytes_per_span"] < 300
        for what in ("encode", "decode"):
            assert row[what]["official"]["minimum"] > row[what]["spanwire"]["minimum"] > 0
    assert memory["memory"]["output_bytes"] == round(rows[1]["bytes_per_span"] * 5000)


def test_the_table_has_a_verdict_for_each_goal() -> None:
    said = run("--layout", "S", "--rows", "600", "--rounds", "1", "--no-color")
    assert said.count("goal: ") == len(GOALS)
    assert "peak memory" in said


def test_an_unknown_layout_is_refused_by_name() -> None:
    result = CliRunner().invoke(make_app(), ["bench", "columns", "--layout", "T"])
    assert (result.exit_code, result.stderr) == (
        1,
        "spanwire bench: no layout T; there are S, strings, dictionary\n",
    )


def test_no_figure_where_the_bytes_differ() -> None:
    def wrong(_: Any) -> bytes:
        return b"other"

    with pytest.raises(BytesDiffer, match="W5, layout S"):
        measure("S", 10, rounds=1, official=wrong, parse=len, core=None)
