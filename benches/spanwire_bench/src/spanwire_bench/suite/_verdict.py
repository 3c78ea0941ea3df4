"""What the figures of an outcome allow to say, in words; and where the spread allows nothing, that.

A ratio is how many times a side is better than another: reference ÷ side where less is better, side ÷ reference where more is. It is
given by medians, with an interval: from the worst that the quartiles of both allow to the best; with fewer than eight rounds, that all
rounds allow. An order is told where these do not overlap; with two or three rounds, where they are apart by more than either spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spanwire_bench.suite._model import QUARTILES_FROM, Outcome, Row
from spanwire_bench.suite._sides import OURS, SIDES
from spanwire_bench.suite._values import noun, place, ratio_text, value

__all__ = ["RULE", "SAME", "Ratio", "Verdict", "against_ours", "counts", "label", "ratio", "verdicts"]

SAME = 0.05
"""Ratios of two runs that differ by no more are the same, however small the spread within one was."""
_FEW_ROUNDS = 4  # fewer: two sides that are equal are apart by chance too often (two rounds: every third time)
RULE = (
    f"median of the rounds; intervals from all rounds, with {QUARTILES_FROM} rounds or more from quartiles; where two intervals "
    f"overlap no order is told, nor with fewer than {_FEW_ROUNDS} rounds where they are apart by less than one of them spans"
)
"""What is told and what is not, for the document's method."""
_OVERLAP = "doubtful: the rounds overlap, no order can be told"
_TOO_FEW = "doubtful: too few rounds, no order can be told"
_ONE_ROUND = "one round, no spread known"


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times better a side is than another.

    :param medians: of the medians: the ratio that is given.
    :param minima: of the best rounds (the most, where more is better).
    :param low: what the quartiles of both (of few rounds: all of them) allow at worst; ``high`` at best.
    :param least: what single rounds allow at worst; ``most`` at best.
    :param rounds: of the side that has fewer.
    """

    medians: float
    minima: float
    low: float
    high: float
    least: float
    most: float
    rounds: int

    def has(self, other: float) -> bool:
        """Whether a ratio of another run is the same: one of those that single rounds gave, or near the median of them.

        Two runs of what hardly varies within one (memory) differ by more than that.
        """
        return self.least <= other <= self.most or abs(other / self.medians - 1) <= SAME

    def meets(self, other: Ratio) -> bool:
        """Whether single rounds of both gave the same."""
        return min(self.rounds, other.rounds) > 1 and self.least <= other.most and other.least <= self.most

    def __str__(self) -> str:
        """``77 (70 to 84)``."""
        if self.rounds < 2:
            return ratio_text(self.medians)
        return f"{ratio_text(self.medians)} ({ratio_text(self.low)} to {ratio_text(self.high)})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A side beside another.

    :param at: the place on the axis, where there is one.
    :param side: the one that is judged; ``against`` the other.
    :param ratio: None where a value is zero or below, so that there is none.
    :param better: whether ``side`` is; None if that cannot be told.
    :param goal: what the ratio is to be, if anything; ``goal_met``: None without a goal, or if that cannot be told.
    :param words: a sentence without a full stop.
    """

    side: str
    against: str
    at: float | None
    ratio: Ratio | None
    better: bool | None
    goal: float | None
    goal_met: bool | None
    words: str

    @property
    def doubtful(self) -> bool:
        """Whether the spread forbids a conclusion: on the order, or on the goal."""
        return self.better is None or (self.goal is not None and self.goal_met is None)

    @property
    def few_rounds(self) -> int | None:
        """The number of rounds, where it is too small for a ratio to be relied on; else None."""
        return self.ratio.rounds if self.ratio is not None and self.ratio.rounds < _FEW_ROUNDS else None


def label(side: str) -> str:
    """A side's name for people."""
    info = SIDES.get(side)
    return side if info is None else info.label


def ratio(outcome: Outcome, side: Row, against: Row) -> Ratio | None:
    """How many times better ``side`` is; None where a value is zero or below."""
    worse, better = (against, side) if outcome.lower_is_better else (side, against)
    if min(*worse.samples, *better.samples) <= 0:
        return None
    (worse_low, worse_high), (better_low, better_high) = worse.quartiles, better.quartiles
    best = worse.minimum / better.minimum if outcome.lower_is_better else worse.maximum / better.maximum
    return Ratio(
        worse.median / better.median,
        best,
        worse_low / better_high,
        worse_high / better_low,
        worse.minimum / better.maximum,
        worse.maximum / better.minimum,
        min(len(side.samples), len(against.samples)),
    )


def verdicts(outcome: Outcome) -> list[Verdict]:
    """Each side beside the reference, at each place; empty where there is nothing to compare with. The goal is for our side."""
    found = []
    for row in outcome.rows:
        reference = None if outcome.reference is None else outcome.row(outcome.reference, row.at)
        if reference is not None and reference is not row:
            found.append(_judge(outcome, row, reference, outcome.goal if row.side == OURS else None))
    return found


def against_ours(outcome: Outcome) -> list[Verdict]:
    """Our side beside each of the others but the reference, at each place, and by the goals for them; else empty."""
    found: list[Verdict] = []
    if outcome.reference is None:
        return found
    for row in outcome.rows:
        ours = outcome.row(OURS, row.at)
        if ours is not None and row.side not in (OURS, outcome.reference):
            found.append(_judge(outcome, ours, row, outcome.peer_goals.get(row.side)))
    return found


def _judge(outcome: Outcome, side: Row, against: Row, goal: float | None) -> Verdict:
    found = ratio(outcome, side, against)
    better, met = _better(outcome, side, against), None
    if found is not None and goal is not None and found.rounds > 1:
        met = True if found.low >= goal else False if found.high < goal else None
    parts = [_compared(outcome, side, against, found)]
    if found is not None and found.rounds < 2:
        parts.append(_ONE_ROUND)
    elif better is None:
        parts.append(_TOO_FEW if _apart(side, against) > 0 else _OVERLAP)
    elif (rounds := min(len(side.samples), len(against.samples))) < _FEW_ROUNDS:
        parts.append(f"few rounds: {rounds}")
    if goal is not None:
        parts.append(_goal_words(goal, met, found, part=outcome.lower_is_better and against.side != outcome.reference))
    where = place(outcome, side.at)
    words = f"{where}: {'; '.join(parts)}" if where else "; ".join(parts)
    return Verdict(side.side, against.side, side.at, found, better, goal, met, words)


def _better(outcome: Outcome, side: Row, against: Row) -> bool | None:
    """None where one round, few rounds, or an overlap, do not tell."""
    rounds = min(len(side.samples), len(against.samples))
    widest = max(one.maximum - one.minimum for one in (side, against)) if rounds < _FEW_ROUNDS else 0.0
    if rounds < 2 or _apart(side, against) <= widest:
        return None
    return (side.median < against.median) is outcome.lower_is_better


def _apart(side: Row, against: Row) -> float:
    """How far it is from one's interval to the other's; zero or below where they touch or overlap."""
    (low, high), (other_low, other_high) = side.quartiles, against.quartiles
    return max(other_low - high, low - other_high)


def _compared(outcome: Outcome, side: Row, against: Row, found: Ratio | None) -> str:
    """Our side is named last where it is better ("the SDK takes 77 times …"), first beside a peer ("takes 0.41 of …")."""
    what, ours, other = noun(outcome), label(side.side), label(against.side)
    if found is None:
        return f"no ratio: {other} {value(against.median, outcome.unit)}, {ours} {value(side.median, outcome.unit)}"
    if not outcome.lower_is_better:
        return f"{ours} does {found} times the {what} of {other}"
    if against.side != outcome.reference:
        return f"{ours} takes {_inverse(found)} of {other}'s {what}"
    return f"{other} takes {found} times the {what} of {ours}"


def _inverse(found: Ratio) -> str:
    if found.rounds < 2:
        return ratio_text(1 / found.medians)
    return f"{ratio_text(1 / found.medians)} ({ratio_text(1 / found.high)} to {ratio_text(1 / found.low)})"


def _goal_words(goal: float, met: bool | None, found: Ratio | None, *, part: bool) -> str:
    """``part``: of the other's, as the ratio is given beside it."""
    asked = f"goal {ratio_text(goal)}"
    if part:
        asked = "goal to be below it" if goal == 1 else f"goal at most {ratio_text(1 / goal)}"
    if met is not None:
        return f"{asked}: {'met' if met else 'NOT met'}"
    if found is None or found.rounds < 2:
        return f"{asked}: cannot be told"
    return f"{asked}: doubtful, it lies within the spread"


def counts(outcomes: Sequence[Outcome]) -> tuple[int, int, int]:
    """Of our side in all: goals that are met, goals that there are, comparisons that the spread leaves in doubt."""
    every = [one for outcome in outcomes for one in (*verdicts(outcome), *against_ours(outcome)) if one.side == OURS]
    goals = [one for one in every if one.goal is not None]
    return sum(one.goal_met is True for one in goals), len(goals), sum(one.doubtful for one in every)
