"""What the guard says: a line a case, and what grew in those that are over the tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benches.guard._compare import TOLERANCE, Change, Verdict, compare, moved
from benches.guard._count import Case, Counts

__all__ = ["Result", "details", "results", "spread", "table"]

_LINES = 12  # of functions, and of sources, that are named
_LEAST = 0.02  # of what a case grew by: what moved less is not named


@dataclass(frozen=True, slots=True)
class Result:
    """A case that was counted, and what it was compared with."""

    case: Case
    before: Counts | None
    after: Counts
    verdict: Verdict

    @property
    def change(self) -> Change:
        return Change(self.case.name, self.before.total if self.before else 0, self.after.total)


def results(
    counted: Sequence[tuple[Case, Counts]], accepted: dict[str, Counts], tolerance: float = TOLERANCE
) -> list[Result]:
    """A case each, in their order."""
    return [
        Result(case, accepted.get(case.name), counts, compare(accepted.get(case.name), counts, tolerance))
        for case, counts in counted
    ]


def table(rows: Sequence[Result]) -> list[str]:
    """Lines of a table: case, baseline, now, change, verdict where there is something to say."""
    lines = [f"{'instructions an operation':<26} {'baseline':>11} {'now':>11} {'change':>8}"]
    for row in rows:
        before = f"{row.change.before:,.1f}" if row.before else "-"
        change = f"{row.change.share:+.1%}" if row.before else ""
        said = "" if row.verdict is Verdict.SAME else f"  {row.verdict.value}"
        lines.append(f"{row.case.name:<26} {before:>11} {row.after.total:>11,.1f} {change:>8}{said}")
    return lines


def details(row: Result) -> list[str]:
    """What grew in a case that got dearer, and what took less meanwhile."""
    if row.before is None:
        return []
    least = max(_LEAST * abs(row.change.grown), 0.05)
    change = row.change
    amounts = f"{change.before:,.1f} -> {change.after:,.1f} instructions, {change.grown:+,.1f} ({change.share:+.1%})"
    lines = [f"{row.case.name} ({row.case.what}): {amounts}"]
    grown, shrunk = moved(row.before.functions, row.after.functions, least)
    lines += _section("functions that grew", grown)
    lines += _section("functions that shrank, or are part of others now", shrunk)
    grown, _ = moved(row.before.sources, row.after.sources, least)
    return lines + _section("source files, wherever they are inlined", grown)


def _section(title: str, changes: list[Change]) -> list[str]:
    if not changes:
        return []
    lines = [f"  {title}:"]
    for one in changes[:_LINES]:
        note = "" if one.before and one.after else "  (new)" if one.after else "  (gone)"
        lines.append(f"    {one.grown:>+9,.1f}  {one.before:>9,.1f} -> {one.after:>9,.1f}  {one.name}{note}")
    if len(changes) > _LINES:
        lines.append(f"    and {len(changes) - _LINES} more")
    return lines


def spread(runs: Sequence[Sequence[tuple[Case, Counts]]]) -> list[str]:
    """By how much the totals of several runs of the same code differ, of the smallest; the worst case last."""
    lines = [f"{'of ' + str(len(runs)) + ' runs':<26} {'least':>11} {'most':>11} {'spread':>8}"]
    worst = 0.0
    for same in zip(*runs, strict=True):
        totals = [counts.total for _, counts in same]
        least, most = min(totals), max(totals)
        worst = max(worst, most / least - 1)
        lines.append(f"{same[0][0].name:<26} {least:>11,.1f} {most:>11,.1f} {most / least - 1:>8.3%}")
    return [*lines, f"{'the widest':<26} {'':>11} {'':>11} {worst:>8.3%}"]
