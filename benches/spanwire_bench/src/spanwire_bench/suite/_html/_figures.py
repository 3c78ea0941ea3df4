"""Figures as people read them, and how much room text takes."""

from __future__ import annotations

import math
import re

from spanwire_bench.suite._values import value

__all__ = ["moment", "percent", "place_on_axis", "text_width", "tick_text"]

_ZEROS = re.compile(r"(\.\d*?)0+(?!\d)")


def tick_text(amount: float, unit: str) -> str:
    """A round value without the zeros behind its point: ``2 µs``, ``0.5 MB``, and 0 without a unit."""
    return "0" if amount == 0 else _ZEROS.sub(r"\1", value(amount, unit)).replace(". ", " ").removesuffix(".")


def place_on_axis(at: float) -> str:
    """Of a curve: ``1,000``, ``0.5``."""
    return f"{at:,.10g}"


def percent(value: float) -> str:
    """Of a part: ``3.1 %``."""
    return f"{value * 100:.0f} %" if abs(value) >= 0.0995 else f"{value * 100:.1f} %"


def moment(seconds: float) -> str:
    """``45 s``, ``7 min 30 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About the most that it takes in any font that a browser may choose (DejaVu Sans is wide); nothing measures it here."""
    units = math.fsum(_WIDTHS.get(char, 1.05 if ord(char) > 0x2E80 else 0.64) for char in text)
    return units * size * (1.12 if bold else 1.0)


_WIDTHS = {
    char: width
    for chars, width in (
        ("ijl'|", 0.29),
        (" .,:;f!/()[]t-·", 0.4),
        ("rs", 0.53),
        ("ckvxyzaeo", 0.62),
        ("mMwW%", 0.99),
        ("ABCDEGHKNOQRUVXZ÷×+=<>", 0.82),
    )
    for char in chars
}
