"""From values to places: linear and logarithmic, with ticks at round values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LOG_FROM", "Scale", "scale"]

LOG_FROM = 30.0
"""Values that differ by more than this get a logarithmic scale, else the small ones cannot be told from nothing."""

_NOTHING = 1e-30  # what is less has no logarithm worth the name, and no digits


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from ``low`` to ``high`` (which differ, and are positive where it is logarithmic) at places from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Values outside are at the nearer end."""
        value = min(max(value, self.low), self.high)
        if self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * part

    def ticks(self, most: int) -> list[float]:
        """Round values within, ascending, at most ``most``."""
        return _log_ticks(self.low, self.high, most) if self.log else _linear_ticks(self.low, self.high, most)


def scale(
    values: Iterable[float],
    start: float,
    end: float,
    *,
    log: bool | None = None,
    zero: bool = True,
    below: bool = False,
) -> Scale:
    """The scale for these values.

    :param log: None: where all are positive and differ by more than ``LOG_FROM``. Where one is not positive it is linear anyway.
    :param zero: a linear scale has 0 on it, as lengths need.
    :param below: a logarithmic scale begins well below the least value, so that its bar has a length.
    """
    known = [0.0 if abs(value) < _NOTHING else value for value in values] or [0.0]
    low, high = min(known), max(known)
    if log is None:
        log = low > 0 and high / low > LOG_FROM
    if log and low > 0:
        if below:
            floor = 10.0 ** math.floor(math.log10(low))
            low = floor if low >= 1.5 * floor else floor / 10
        return Scale(low, high, start, end, log=True) if high > low else Scale(low / 2, high * 2, start, end, log=True)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        around = abs(low) / 2 or 1.0
        low, high = (low, low + around) if zero else (low - around, low + around)
    return Scale(low, high, start, end)


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / max(1, most)
    unit = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 5, 10, 20, 50):
        step = unit * factor
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [min(max(index * step, low), high) for index in range(first, last + 1)]
    return []


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3)):
        ticks = [
            tick
            for power in range(first, last + 1)
            for factor in factors
            if low * (1 - 1e-9) <= (tick := factor * 10.0**power) <= high * (1 + 1e-9)
        ]
        if len(ticks) <= most:
            return [min(max(tick, low), high) for tick in ticks]
    powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    every = max(1, -(-len(powers) // max(1, most)))
    return [min(max(10.0**power, low), high) for power in powers if power % every == 0]
