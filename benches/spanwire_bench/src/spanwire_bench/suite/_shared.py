"""What the scenarios share: numbers by settings, steps as parts of a whole, and rows from what the commands measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from spanwire_bench._measure import OFFICIAL_HINT, has_official_exporter
from spanwire_bench.suite._model import Row
from spanwire_bench.suite._scenario import Failed

if TYPE_CHECKING:
    from spanwire_bench._measure import Comparison, Figure
    from spanwire_bench.suite._scenario import Settings, Step

__all__ = ["COMPARED", "PIPELINES", "compared", "compared_sides", "need_official", "rounds_of", "scaled", "steps"]

COMPARED = ("sdk", "spanwire")
"""The sides of what measures a Comparison."""
PIPELINES = {"sdk": "official", "spanwire": "spanwire"}
"""What ``_pipelines`` calls them."""


def need_official(sides: Sequence[str] = COMPARED) -> None:
    """Raise Failed where ``sides`` need the official exporter and it is missing."""
    if "sdk" in sides and not has_official_exporter():
        raise Failed(OFFICIAL_HINT.removeprefix("spanwire bench: "))


def compared_sides(settings: Settings) -> list[str]:
    """Those of COMPARED that are to be measured."""
    return [side for side in settings.sides if side in COMPARED]


def rounds_of(settings: Settings, own: int) -> int:
    """Those asked for, or the scenario's ``own``."""
    return settings.rounds or own


def scaled(number: float, settings: Settings, *, least: int = 1) -> int:
    """So many, or more or fewer as the settings say."""
    return max(least, round(number * settings.scale))


def steps(step: Step, total: int) -> Callable[[int], None]:
    """What counts finished parts, of ``total``, and tells ``step``."""
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        step(min(1.0, done / total))

    return progress


def compared(
    sides: Sequence[str],
    times: Comparison,
    *,
    at: float | None = None,
    divided_by: float = 1.0,
    delivered: int | None = None,
) -> list[Row]:
    """A row for each of ``sides``, of which COMPARED are known."""
    figures: dict[str, Figure] = {"sdk": times.official, "spanwire": times.spanwire}
    return [
        Row(side, tuple(sample / divided_by for sample in figures[side].samples), at=at, delivered=delivered)
        for side in sides
    ]
