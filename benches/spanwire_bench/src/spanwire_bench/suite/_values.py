"""Values as people read them, and words for what an outcome's values are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanwire.cli.toolkit import duration

if TYPE_CHECKING:
    from spanwire_bench.suite._model import Outcome

__all__ = ["cell", "noun", "number", "place", "ratio_text", "value"]

_BYTES = ((1e3, 1.0, "B"), (1e6, 1e3, "KB"), (1e9, 1e6, "MB"), (float("inf"), 1e9, "GB"))
_SHORT_UNIT = 2
_TIMED = {"latency", "create/set-attribute", "create/event"}  # groups and names: by the monotonic clock


def value(amount: float, unit: str) -> str:
    """``52.0 µs``, ``21.2 MB``, ``12,300 spans/s``."""
    if unit == "ns":
        return duration(float(amount))
    if unit == "bytes":
        size, divisor, name = next(one for one in _BYTES if abs(amount) < one[0] * 0.9995)
        del size
        return f"{number(amount / divisor)} {name}"
    return f"{number(amount)} {unit}" if unit else number(amount)


def cell(outcome: Outcome, amount: float) -> str:
    """For a table whose heading names the unit: without it where it is long."""
    return value(amount, outcome.unit if outcome.unit == "bytes" or len(outcome.unit) <= _SHORT_UNIT else "")


def number(amount: float) -> str:
    """Three digits; thousands with commas."""
    if abs(amount) >= 999.5:
        return f"{amount:,.0f}"
    return f"{amount:.0f}" if abs(amount) >= 99.95 else f"{amount:.1f}" if abs(amount) >= 9.995 else f"{amount:.2f}"


def ratio_text(ratio: float) -> str:
    """As many digits as a ratio of timings can have: ``77``, ``4.7``, ``0.41``, ``0.034``."""
    if ratio >= 19.5:
        return f"{ratio:,.0f}"
    if ratio < 0.0995:
        return f"{ratio:.2g}"
    return f"{ratio:.1f}" if ratio >= 1.995 else f"{ratio:.2f}"


def noun(outcome: Outcome) -> str:
    """What is compared: ``CPU``, ``time``, ``memory``; of other units the unit."""
    if outcome.unit == "ns":
        return "CPU" if _TIMED.isdisjoint((outcome.group, outcome.name)) else "time"
    return {"bytes": "memory", "%": "CPU"}.get(outcome.unit, outcome.unit)


def place(outcome: Outcome, at: float | None) -> str:
    """Of a curve ``8 threads``, of a histogram ``p99``; nothing of what has one place."""
    if at is None:
        return ""
    if outcome.plot == "histogram":
        return "maximum" if at >= 1 else f"p{at * 100:g}"
    axis = outcome.axis.removesuffix("s") if at == 1 else outcome.axis
    return f"{at:,.10g} {axis}".strip()
