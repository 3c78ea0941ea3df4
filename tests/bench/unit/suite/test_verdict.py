"""What figures allow to say: ratios, goals, and where the spread forbids a conclusion, that."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._verdict import RULE, Verdict, against_ours, counts, ratio, verdicts

positive = st.floats(1e-3, 1e12)
rounds = st.lists(positive, min_size=1, max_size=9).map(tuple)


def outcome(*rows: Row, **more: Any) -> Outcome:
    return Outcome("export/W5", "title", "what", rows, **more)


def ours(said: Outcome) -> Verdict:
    (found,) = [one for one in verdicts(said) if one.side == "spanwire"]
    return found


def two(sdk: tuple[float, ...], spanwire: tuple[float, ...], **more: Any) -> Outcome:
    return outcome(Row("sdk", sdk), Row("spanwire", spanwire), **more)


def test_the_ratio_is_of_medians_with_what_quartiles_allow_and_what_rounds_allow() -> None:
    found = ours(two((100, 110, 110, 110, 120, 120, 130, 130, 140), (1, 2, 2, 2, 2, 2, 2, 2, 4))).ratio
    assert found is not None
    assert (found.medians, found.minima, found.rounds) == (60, 100, 9)
    assert (found.low, found.high) == (55, 65)
    assert (found.least, found.most) == (25, 140)
    assert str(found) == "60 (55 to 65)"


def test_with_fewer_than_eight_rounds_the_interval_is_what_all_of_them_allow() -> None:
    found = ours(two((100, 110, 120, 130, 140, 120, 120), (1, 2, 2, 2, 4, 2, 2))).ratio
    assert found is not None
    assert (found.low, found.high) == (found.least, found.most) == (25, 140)


@pytest.mark.parametrize(("rounds", "most"), [(2, 0.12), (3, 0.02), (4, 0.04), (5, 0.015), (7, 0.01)])
def test_equal_sides_are_hardly_ever_given_an_order(rounds: int, most: float) -> None:
    dice = random.Random(7)

    def some() -> tuple[float, ...]:
        return tuple(dice.gauss(100, 10) for _ in range(rounds))

    assert sum(ours(two(some(), some())).better is not None for _ in range(2_000)) / 2_000 < most


def test_two_rounds_tell_an_order_only_where_they_are_far_apart() -> None:
    near, far = ours(two((100, 110), (80, 90))), ours(two((100, 110), (40, 50)))
    assert near.better is None and near.words.endswith("; doubtful: too few rounds, no order can be told")
    assert far.better is True and far.words.endswith("; few rounds: 2")


def test_the_rule_is_told_with_the_numbers_that_it_has() -> None:
    assert "with 8 rounds or more from quartiles" in RULE and "with fewer than 4 rounds" in RULE


def test_a_clear_order_is_said_with_its_interval() -> None:
    said = ours(two((7_700, 7_700, 7_700, 7_700), (100, 100, 110, 110)))
    assert said.words == "SDK takes 73 (70 to 77) times the CPU of spanwire"
    assert (said.better, said.doubtful) == (True, False)


def test_overlapping_rounds_tell_no_order() -> None:
    said = ours(two((10, 12, 11, 13), (11, 12, 13, 10)))
    assert said.better is None and said.doubtful
    assert said.words.endswith("; doubtful: the rounds overlap, no order can be told")


def test_equal_rounds_tell_no_order() -> None:
    said = ours(two((5, 5, 5), (5, 5, 5)))
    assert said.better is None and said.doubtful and "overlap" in said.words


def test_where_ours_takes_more_it_is_said_by_the_number() -> None:
    said = ours(two((10, 10, 10), (40, 40, 40)))
    assert said.better is False and not said.doubtful
    assert said.words == "SDK takes 0.25 (0.25 to 0.25) times the CPU of spanwire; few rounds: 3"


def test_one_round_says_that_there_is_no_spread() -> None:
    said = ours(two((100,), (2,), goal=20))
    assert said.words == "SDK takes 50 times the CPU of spanwire; one round, no spread known; goal 20: cannot be told"
    assert said.better is None and said.goal_met is None and said.doubtful


@pytest.mark.parametrize(
    ("goal", "met", "words"),
    [
        (40, True, "goal 40: met"),
        (45, True, "goal 45: met"),
        (50, None, "goal 50: doubtful, it lies within the spread"),
        (56, False, "goal 56: NOT met"),
    ],
)
def test_a_goal_is_met_or_not_or_within_the_spread(goal: float, met: bool | None, words: str) -> None:
    said = ours(two((90, 100, 110), (2, 2, 2), goal=goal))  # 45 to 55
    assert said.goal_met is met
    assert said.doubtful is (met is None)
    assert said.words.endswith("; " + words)


def test_the_goal_is_for_our_side_alone() -> None:
    said = outcome(Row("sdk", (10, 10)), Row("exporter", (5, 5)), Row("spanwire", (1, 1)), goal=8)
    assert [(one.side, one.goal) for one in verdicts(said)] == [("exporter", None), ("spanwire", 8)]


@pytest.mark.parametrize("nothing", [0.0, -3.0])
def test_without_a_positive_value_there_is_no_ratio_but_an_order(nothing: float) -> None:
    said = ours(two((100, 100), (nothing, nothing), goal=3))
    assert said.ratio is None and said.better is True and said.goal_met is None
    assert said.words.startswith("no ratio: SDK 100 ns, spanwire ") and said.words.endswith("goal 3.0: cannot be told")


def test_where_more_is_better_the_ratio_is_turned_round() -> None:
    said = ours(two((1_000, 1_100), (5_000, 5_500), unit="spans/s", lower_is_better=False))
    assert said.ratio is not None and said.ratio.medians == 5
    assert said.better is True
    assert said.words == "spanwire does 5.0 (4.5 to 5.5) times the spans/s of SDK; few rounds: 2"


def test_beside_peers_ours_is_a_part_of_theirs() -> None:
    said = outcome(Row("sdk", (50_000, 50_000)), Row("spanwire", (410, 410)), Row("opentelemetry-rust", (1_000, 1_000)))
    (found,) = against_ours(said)
    assert found.words == "spanwire takes 0.41 (0.41 to 0.41) of opentelemetry-rust's CPU; few rounds: 2"
    assert (found.side, found.against, found.better) == ("spanwire", "opentelemetry-rust", True)


@pytest.mark.parametrize(
    ("ours_takes", "goal", "met", "words"),
    [
        (410, 1 / 0.45, True, "goal at most 0.45: met"),
        (500, 1 / 0.45, False, "goal at most 0.45: NOT met"),
        (450, 1 / 0.45, None, "goal at most 0.45: doubtful, it lies within the spread"),
        (990, 1.0, None, "goal to be below it: doubtful, it lies within the spread"),
        (900, 1.0, True, "goal to be below it: met"),
        (1_100, 1.0, False, "goal to be below it: NOT met"),
    ],
)
def test_goals_against_peers_are_judged(ours_takes: float, goal: float, met: bool | None, words: str) -> None:
    said = outcome(
        Row("sdk", (50_000,) * 5),
        Row("spanwire", tuple(ours_takes * (1 + one / 1_000) for one in (-5, 0, 5, 0, 20))),
        Row("opentelemetry-rust", (1_000.0, 1_010.0, 1_000.0, 990.0, 1_000.0)),
        Row("fastrace", (2_000,) * 5),
        peer_goals={"opentelemetry-rust": goal},
    )
    rust, fastrace = against_ours(said)
    assert rust.goal_met is met and rust.words.endswith("; " + words)
    assert (fastrace.goal, fastrace.goal_met) == (None, None)
    assert counts([said])[:2] == (int(met is True), 1)


def test_curves_are_judged_at_each_place() -> None:
    rows = [
        Row(side, (value * at, value * at), at=at) for side, value in (("sdk", 60), ("spanwire", 1)) for at in (1, 8)
    ]
    said = verdicts(outcome(*rows, plot="curve", axis="threads"))
    assert [one.words.partition(":")[0] for one in said] == ["1 thread", "8 threads"]


def test_quantiles_have_their_names() -> None:
    rows = [Row(side, (1.0, 1.0), at=at) for side in ("sdk", "spanwire") for at in (0.5, 0.99, 0.999, 1.0)]
    said = verdicts(outcome(*rows, plot="histogram"))
    assert [one.words.partition(":")[0] for one in said] == ["p50", "p99", "p99.9", "maximum"]


def test_nothing_is_judged_without_a_reference() -> None:
    said = two((1, 2), (3, 4), reference=None)
    assert verdicts(said) == [] and against_ours(said) == []


def test_nothing_is_judged_where_the_reference_was_not_measured() -> None:
    assert verdicts(outcome(Row("spanwire", (1, 2)))) == []


def test_a_side_that_nobody_knows_keeps_its_name() -> None:
    said = outcome(Row("sdk", (10, 10)), Row("somebody", (1, 1)))
    assert verdicts(said)[0].words == "SDK takes 10.0 (10.0 to 10.0) times the CPU of somebody; few rounds: 2"


def test_goals_and_doubts_are_counted_over_all() -> None:
    clear, doubtful = two((100, 100), (2, 2), goal=10), two((10, 12), (11, 13), goal=5)
    assert counts([clear, doubtful]) == (1, 2, 1)
    assert counts([]) == (0, 0, 0)


@given(rounds, rounds, st.booleans())
def test_the_ratio_lies_within_its_intervals(sdk: tuple[float, ...], spanwire: tuple[float, ...], lower: bool) -> None:
    said = two(sdk, spanwire, lower_is_better=lower)
    found = ratio(said, said.rows[1], said.rows[0])
    assert found is not None
    slack = 1 + 1e-9
    assert found.least <= found.low * slack and found.low <= found.medians * slack
    assert found.medians <= found.high * slack and found.high <= found.most * slack


@given(rounds, rounds)
def test_an_order_is_told_of_both_sides_alike(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    this, that = ours(two(one, other)), ours(two(other, one))
    assert this.better is (None if that.better is None else not that.better)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=6), st.floats(0.01, 1e6))
def test_any_figures_give_words(samples: list[float], goal: float) -> None:
    said = ours(two((1.0, 2.0), tuple(samples), goal=goal))
    assert said.words and "nan" not in said.words
    assert said.ratio is None or not math.isnan(said.ratio.medians)
