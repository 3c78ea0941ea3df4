"""What of OpenTelemetry's is installed: asked by ``spanwire --version --verbose`` and ``spanwire doctor``."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["is_within", "taken"]

_OURS = "spanwire"


def is_within(found: str, bounds: str) -> bool:
    """Whether a version fulfils ``<2,>=1.33``: all that our own requirements say, without a package that reads more."""
    for bound in bounds.split(","):
        sign, text = re.fullmatch(r"\s*(>=|<)\s*([\d.]+)\s*", bound).groups()  # type: ignore[union-attr]  # ours
        if (_numbers(found) >= _numbers(text)) != (sign == ">="):
            return False
    return True


def taken(names: Sequence[str], wanted: str | None) -> str:
    """Which distro or configurator ``opentelemetry-instrument`` takes of these, in their order; empty: none.

    :param wanted: what the variable says; None: nothing.
    """
    if wanted is not None:
        return wanted if wanted in names else ""
    # The first; but ours leaves the field to another one where nobody asked for ours.
    others = [name for name in names if name != _OURS]
    return (others or names or [""])[0]


def _numbers(text: str) -> tuple[int, ...]:
    release = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in release[0].split(".")) if release else ()
