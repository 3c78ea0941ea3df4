"""The rule of tests/README.md that a time is at most a hang guard, and says so."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

TESTS = ROOT / "tests"
# An assertion that a time that has passed is below a number.
BOUND = re.compile(
    r"assert .*?(?:(?:monotonic|perf_counter|time)\(\) - \w+|\bseconds|\"(?:flush|shutdown)_seconds\"\]) <=? [A-Z0-9]"
)
MARK = "# a hang guard"


def unmarked(text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if BOUND.search(line) and MARK not in line]


@pytest.mark.parametrize(
    "line",
    [
        "assert time.monotonic() - start < 5",
        "assert 0.1 < time.perf_counter() - begun <= LIMIT",
        "assert ended.seconds < 30",
        'assert book["flush_seconds"] < 10, book',
    ],
)
def test_a_bound_without_its_mark_is_found(line: str) -> None:
    assert unmarked(f"x = 1\n    {line}\n") == [2]
    assert unmarked(f"    {line}  {MARK}: 1 s\n") == []


def test_bounds_of_time_are_hang_guards() -> None:
    # The benchmarks' tests look at figures that are times.
    files = [path for path in sorted(TESTS.rglob("*.py")) if "bench" not in path.relative_to(TESTS).parts]
    files.remove(Path(__file__))  # whose cases have no mark
    assert len(files) > 300
    found = [f"{path.relative_to(ROOT)}:{number}" for path in files for number in unmarked(path.read_text("utf-8"))]
    assert found == [], f"mark them {MARK!r} with what the hang would take, or do without"
