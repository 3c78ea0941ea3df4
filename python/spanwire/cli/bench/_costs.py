"""What an operation costs by function: the shape in which ``_callgrind`` and ``_perf`` say it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Cost", "Unavailable", "by_object", "object_name"]


class Unavailable(Exception):
    """The program that would have told is not here, or may not; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A function's own part of an operation, in instructions or ns."""

    function: str
    where: str
    amount: float


def by_object(costs: Sequence[Cost]) -> dict[str, float]:
    """Sums by library, the dearest first."""
    sums: Counter[str] = Counter()
    for one in costs:
        sums[one.where] += one.amount  # type: ignore[assignment]
    return dict(sums.most_common())


def object_name(path: str) -> str:
    """``/usr/lib/x86_64-linux-gnu/libc.so.6`` is ``libc``, ``…/core.cpython-311-x86_64-linux-gnu.so`` is ``core``."""
    name = path.rsplit("/", 1)[-1]
    return name.split(".cpython-")[0].split(".so")[0] or path
