"""What an operation costs by function: the shape in which ``_callgrind`` and ``_perf`` say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Cost", "Profile", "Unavailable", "object_name"]


class Unavailable(Exception):
    """The program that would have told is not here, or may not; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A function's own part of an operation, in instructions or ns."""

    function: str
    where: str
    amount: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What an operation of one side of a case costs, in ``unit``, the dearest function first."""

    case: str
    side: str
    unit: str
    costs: Sequence[Cost]

    @property
    def total(self) -> float:
        return sum(one.amount for one in self.costs)

    def by_library(self) -> dict[str, float]:
        """Sums, the dearest first."""
        sums: dict[str, float] = {}
        for one in self.costs:
            sums[one.where] = sums.get(one.where, 0) + one.amount
        return dict(sorted(sums.items(), key=lambda pair: pair[1], reverse=True))

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "case": self.case,
            "side": self.side,
            "unit": f"{self.unit} per operation",
            "total": self.total,
            "by_library": self.by_library(),
            "by_function": [
                {"function": one.function, "library": one.where, "amount": one.amount} for one in self.costs
            ],
        }


def object_name(path: str) -> str:
    """``/usr/lib/x86_64-linux-gnu/libc.so.6`` is ``libc``, ``…/core.cpython-311-x86_64-linux-gnu.so`` is ``core``."""
    name = path.rsplit("/", 1)[-1]
    return name.split(".cpython-")[0].split(".so")[0] or path
