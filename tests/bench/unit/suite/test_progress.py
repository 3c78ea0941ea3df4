"""The time left: estimates, corrected by what was really taken."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire_bench.suite._progress import Progress, TimeLeft, clock, lasting
from spanwire_bench.suite._scenario import Settings
from tests.bench.scenarios import FAILS, QUICK, SECOND

SETTINGS = Settings(("sdk",))


def test_before_anything_is_known_the_estimates_are_all_there_is() -> None:
    left = TimeLeft({"a": 10, "b": 30})
    assert (left.total, left.left()) == (40, 40)
    assert left.left("a", 0.0, 4) == 36


def test_what_took_twice_as_long_makes_the_rest_twice_as_long() -> None:
    left = TimeLeft({"a": 10, "b": 30})
    left.finish("a", 20)
    assert left.left() == 60
    assert left.left("b", 0.5, 30) == 30


def test_a_scenario_says_something_once_a_tenth_of_it_is_done() -> None:
    left = TimeLeft({"a": 10, "b": 30})
    assert left.left("a", 0.5, 50) == 350


def test_what_takes_longer_than_thought_never_leaves_less_than_nothing() -> None:
    left = TimeLeft({"a": 10})
    assert left.left("a", 0.0, 400) == 0


@given(st.dictionaries(st.text(), st.floats(0, 1e6), min_size=1, max_size=5), st.floats(-1, 2), st.floats(0, 1e6))
def test_the_time_left_is_never_negative_and_ends_at_nothing(
    estimates: dict[str, float], part: float, seconds: float
) -> None:
    left = TimeLeft(estimates)
    for name in estimates:
        assert left.left(name, part, seconds) >= 0
        assert 0 <= left.reached(name, part) <= left.total * (1 + 1e-9)
        left.finish(name, seconds)
    assert left.left() == pytest.approx(0, abs=1e-3 * (1 + seconds) * len(estimates))


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (245, "4:05"), (3_723, "1:02:03")])
def test_times_are_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def go(progress: Progress) -> None:
    with progress:
        for scenario, why_not in ((QUICK, None), (FAILS, "numpy is missing"), (SECOND, None)):
            progress.begin(scenario)
            progress.step(0.5)
            progress.end(scenario, why_not)


def test_without_a_terminal_each_scenario_has_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter(range(100))
    go(Progress((QUICK, FAILS, SECOND), SETTINGS, now=lambda: float(next(times))))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "spanwire bench: 1/3 encode/W5: 1.0 s, 0:02 left",
        "spanwire bench: 2/3 columns/encode: no figures: numpy is missing, 0:01 left",
        "spanwire bench: 3/3 encode/W10: 1.0 s",
    ]


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    go(Progress((QUICK, FAILS, SECOND), SETTINGS, quiet=True))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_a_bar_the_scenario_and_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    go(Progress((QUICK, FAILS, SECOND), SETTINGS))
    out, err = capsys.readouterr()
    assert out == ""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err)
    assert re.search(r"1/3 encode/W5 .* 17% 0:0\d left", plain)
    assert re.search(r"3/3 encode/W10 .* 83% 0:0\d left", plain)
    assert "columns/encode: no figures: numpy is missing" in plain


def test_a_length_is_told_in_what_it_is_of() -> None:
    assert (lasting(245.4), lasting(3723)) == ("4:05 minutes", "1:02:03 hours")
