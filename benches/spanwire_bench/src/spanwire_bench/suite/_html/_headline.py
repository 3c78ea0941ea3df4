"""The figure of the whole way, large, with everyone's bars beside it: what a reader is to take along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spanwire_bench.suite._html._figure import figure
from spanwire_bench.suite._html._section import chips
from spanwire_bench.suite._html._sides_shown import label
from spanwire_bench.suite._html._summary import summary
from spanwire_bench.suite._html._svg import Markup, element
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._values import ratio_text, value

__all__ = ["headline"]

_OF = "export/W5"


def headline(
    outcomes: Sequence[tuple[str, Outcome]],
    before: Mapping[str, Outcome],
    names: Mapping[str, str],
    languages: Mapping[str, str],
) -> Markup | None:
    """None where it was not measured. Outcomes come with their ids."""
    key, outcome = next((one for one in outcomes if one[1].name == _OF), ("", None))
    found = None if outcome is None else summary(outcome)
    if outcome is None or found is None or found.reference is None or found.times is None:
        return None
    said = element(
        "p",
        f"W5 end to end: the {label(names, found.reference.side)} takes {ratio_text(found.times)} times the CPU of "
        f"{label(names, found.ours.side)}, ",
        element("b", value(found.reference.median, outcome.unit)),
        " a span beside ",
        element("b", value(found.ours.median, outcome.unit)),
        ".",
    )
    hero = element(
        "div",
        element("p", f"{ratio_text(found.times)}×", class_="huge"),
        said,
        element("div", *chips(outcome, found), class_="chips"),
        element("p", element("a", "How it was measured, and all figures", href=f"#{key}"), class_="what"),
        class_="hero",
    )
    plot = figure("top", outcome, before.get(outcome.name), names, languages)
    return element("div", hero, plot, class_="card headline")
