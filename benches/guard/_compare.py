"""Whether a case got dearer than the tolerance allows, and which functions and source files it was."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from benches.guard._count import Counts

__all__ = ["TOLERANCE", "Change", "Verdict", "compare", "moved"]

TOLERANCE = 0.03


class Verdict(Enum):
    """What became of a case."""

    SAME = "same"
    DEARER = "DEARER"
    CHEAPER = "cheaper"
    NEW = "no baseline"


@dataclass(frozen=True, slots=True)
class Change:
    """A part of a case, or all of it: before and after."""

    name: str
    before: float
    after: float

    @property
    def grown(self) -> float:
        return self.after - self.before

    @property
    def share(self) -> float:
        """By how much it grew, of what it was."""
        return self.grown / self.before if self.before else float("inf")


def compare(before: Counts | None, after: Counts, tolerance: float = TOLERANCE) -> Verdict:
    """The verdict on a case; to have grown by just the tolerance is no offence."""
    if before is None:
        return Verdict.NEW
    if after.total > before.total * (1 + tolerance):
        return Verdict.DEARER
    return Verdict.CHEAPER if after.total < before.total * (1 - tolerance) else Verdict.SAME


def moved(before: dict[str, float], after: dict[str, float], least: float) -> tuple[list[Change], list[Change]]:
    """Parts that grew by ``least`` at least, most first; and those that shrank so, most first. One that is not listed took nothing, or
    too little to be listed. What another function inlines now shrinks to nothing, and that one grows.
    """
    changes = [Change(name, before.get(name, 0), after.get(name, 0)) for name in dict.fromkeys([*after, *before])]
    grown = sorted((one for one in changes if one.grown >= least), key=lambda one: -one.grown)
    shrunk = sorted((one for one in changes if -one.grown >= least), key=lambda one: one.grown)
    return grown, shrunk
