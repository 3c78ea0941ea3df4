"""An outcome's plot: which kind, in every size and scale that the page may show."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spanwire_bench.suite._html._bars import bars, needs_log
from spanwire_bench.suite._html._curve import curve
from spanwire_bench.suite._html._frame import Frame
from spanwire_bench.suite._html._histogram import histogram
from spanwire_bench.suite._html._series import finite, series
from spanwire_bench.suite._html._sides_shown import measured
from spanwire_bench.suite._html._svg import Markup, element
from spanwire_bench.suite._model import Outcome

__all__ = ["figure"]


def figure(
    key: str, outcome: Outcome, old: Outcome | None, names: Mapping[str, str], languages: Mapping[str, str]
) -> Markup:
    """Two sizes, of which the style sheet shows one; where the scale is logarithmic, both again with a linear one."""
    rows = measured(outcome)
    if not rows:
        return element("p", "Nothing was measured.", class_="nothing")
    draw, scales = _kind(outcome)
    spoken = {row.side: languages.get(row.side, "") for row in rows}
    if len(set(spoken.values())) < 2:
        spoken = {}
    drawn = [
        draw(Frame(f"{key}-{'w' if wide else 'n'}{'l' if linear else ''}", outcome, old, names, spoken, wide, linear))
        for linear in scales
        for wide in (True, False)
    ]
    return element("figure", *drawn, class_="two-scales" if len(scales) > 1 else None)


def _kind(outcome: Outcome) -> tuple[Callable[[Frame], Markup], tuple[bool, ...]]:
    """What is asked for, or bars where the rows have not what that needs; and whether it is to be drawn with a linear scale too."""
    rows = measured(outcome)
    if outcome.plot == "histogram" and any(row.histogram and sum(row.histogram.counts) for row in rows):
        return histogram, (False,)
    if outcome.plot == "series" and any(finite(row.series) for row in rows):
        return series, (False,)
    both = (False, True) if needs_log(outcome) else (False,)
    if outcome.plot == "curve" and len({row.at for row in rows if row.at is not None}) > 1:
        return curve, both
    return bars, both
