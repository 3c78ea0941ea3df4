"""What stands above the outcomes: what was run where, what is missing, and all outcomes at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from spanwire_bench.suite._html._figures import moment
from spanwire_bench.suite._html._section import chips
from spanwire_bench.suite._html._summary import Summary, summary
from spanwire_bench.suite._html._svg import Markup, element
from spanwire_bench.suite._html._table import boxed, facts
from spanwire_bench.suite._model import Document, Outcome
from spanwire_bench.suite._values import ratio_text, value
from spanwire_bench.suite._verdict import counts

__all__ = ["overview", "top"]


def top(document: Document, old: Document | None, first: Markup | None) -> Markup:
    """The headline, which comes ``first``, facts and notices."""
    machine = document.environment
    cores = machine.get("cores")
    said = {
        "processor": _listed(machine.get("cpu"), f"{cores} cores" if cores else None, between=", "),
        "system": _listed(machine.get("system"), machine.get("machine")),
        "Python": _listed(machine.get("implementation"), machine.get("python")),
        "started": _when(document.started),
        "took": moment(document.seconds),
        "compared with": None if old is None else f"a run of {_when(old.started)}",
        "command": element("code", document.command),
    }
    return element(
        "div",
        element("h1", "Benchmark report"),
        first,
        facts(said),
        *_notices(document),
        class_="top",
    )


def _listed(*parts: object, between: str = " ") -> str:
    return between.join(str(part) for part in parts if part)


def _when(iso: str) -> str:
    """``2026-11-25 21:04 UTC`` of ISO 8601 in UTC; anything else as it is."""
    day, _, time = iso.partition("T")
    if len(time) >= 8 and time.endswith(("Z", "+00:00")):
        return f"{day} {time[:5]} UTC"
    return iso


def _notices(document: Document) -> list[Markup]:
    notices = []
    if not document.complete:
        said = " It was interrupted: scenarios that were asked for are missing."
        notices.append(element("p", element("b", "Partial run."), said, class_="notice"))
    if document.left_out:
        items = [element("li", element("b", name), f": {why}") for name, why in document.left_out.items()]
        notices.append(
            element("div", element("p", element("b", "Left out")), element("ul", *items), class_="notice quiet")
        )
    return notices


def overview(outcomes: Sequence[tuple[str, Outcome]]) -> Markup:
    """A line an outcome, with a link; outcomes come with their ids."""
    met, goals, doubtful = counts([outcome for _, outcome in outcomes])
    said = [
        f"{met} of {goals} goals met" if goals else "",
        f"{doubtful} comparison{'s' * (doubtful != 1)} doubtful" if doubtful else "",
    ]
    columns = [("scenario", "t"), ("spanwire", "n"), ("reference", "n other"), ("ratio", "n"), ("judged", "t signs")]
    box = boxed(
        "at a glance",
        "Medians; ratio: how many times better than the reference, which is the SDK unless it is said",
        columns,
        [_line(key, outcome) for key, outcome in outcomes],
        "glance",
    )
    sentence = "; ".join(filter(None, said))
    return element(
        "section",
        element("h2", "At a glance", id="glance-h"),
        element("p", f"{sentence}.", class_="what") if sentence else None,
        box,
        id="glance",
        aria_labelledby="glance-h",
        class_="card",
    )


def _line(key: str, outcome: Outcome) -> Markup:
    found = summary(outcome)
    name = element("th", element("a", outcome.title, href=f"#{key}"), scope="row", class_="t")
    if found is None:
        return element("tr", name, element("td", "not measured", colspan="4", class_="t"))
    other = "–" if found.reference is None else value(found.reference.median, outcome.unit)
    return element(
        "tr",
        name,
        element("td", value(found.ours.median, outcome.unit), class_="n ours"),
        element("td", other, class_="n other"),
        element("td", _ratio(found), class_="n"),
        element("td", *chips(outcome, found), class_="t signs"),
    )


def _ratio(found: Summary) -> Markup | str:
    """Bold only where the order is certain and enough rounds support the ratio."""
    if found.times is None or found.verdict is None:
        return "–"
    said = f"{ratio_text(found.times)}×"
    certain = found.verdict.better is not None and found.verdict.few_rounds is None
    return element("b", said) if certain else said
