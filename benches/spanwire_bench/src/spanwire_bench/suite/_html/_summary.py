"""What an outcome comes to: our side beside the reference, at the place that says most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spanwire_bench.suite._html._sides_shown import OURS_FIRST, with_figures
from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._verdict import Verdict, against_ours, verdicts

__all__ = ["Summary", "summary", "verdict_of_rows"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Our row, and what it is judged by.

    :param reference: None where there is nothing to compare with; then there is no verdict.
    """

    ours: Row
    reference: Row | None
    verdict: Verdict | None

    @property
    def times(self) -> float | None:
        """How many times better than the reference."""
        return None if self.verdict is None or self.verdict.ratio is None else self.verdict.ratio.medians


def summary(outcome: Outcome) -> Summary | None:
    """None where none of ours was measured."""
    outcome = with_figures(outcome)
    rows = outcome.rows
    side = next((side for side in OURS_FIRST if any(row.side == side for row in rows)), None)
    if side is None:
        return None
    places = [row.at for row in rows if row.side == side]
    theirs = {row.at: row for row in rows if row.side == outcome.reference and row.side != side}
    both = [at for at in places if at in theirs]
    # Of a histogram the median; of a curve the last place that both have.
    at = 0.5 if 0.5 in both and outcome.plot == "histogram" else (both or places)[-1]
    ours = next(row for row in rows if row.side == side and row.at == at)
    found = next((one for one in verdicts(outcome) if (one.side, one.at) == (side, at)), None)
    return Summary(ours, theirs.get(at), found)


def verdict_of_rows(outcome: Outcome) -> Mapping[tuple[str, float | None], Verdict]:
    """By side and place: ours beside the reference, the others beside ours; the reference has none, since ours says it."""
    outcome = with_figures(outcome)
    ours = next((side for side in OURS_FIRST if any(row.side == side for row in outcome.rows)), None)
    others = {(one.against, one.at): one for one in against_ours(outcome)}
    return {**others, **{(one.side, one.at): one for one in verdicts(outcome) if one.side == ours}}
