"""An outcome as an article: what was measured, the plot, what it comes to, and a table."""

from __future__ import annotations

from collections.abc import Mapping

from spanwire_bench.suite._html._figure import figure
from spanwire_bench.suite._html._sides_shown import label, measured
from spanwire_bench.suite._html._summary import Summary, summary
from spanwire_bench.suite._html._svg import Markup, element
from spanwire_bench.suite._html._table import table
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._values import place, ratio_text, value
from spanwire_bench.suite._verdict import Verdict, against_ours

__all__ = ["article", "chips", "group_title"]

_GROUPS = {
    "columns": "Columns",
    "create": "Creating spans",
    "encode": "Encoding",
    "export": "End to end",
    "export-gzip": "End to end, compressed",
    "import": "Importing",
    "latency": "Latency of end()",
    "memory": "Memory",
    "otel": "OpenTelemetry's benchmark specification",
    "threads": "Several threads",
}

_GOALS = {True: ("✓", "met", "good"), False: ("✗", "missed", "bad"), None: ("≈", "doubtful", "doubt")}


def group_title(group: str) -> str:
    """Its name where it is unknown."""
    return _GROUPS.get(group, group)


def article(
    key: str, outcome: Outcome, old: Outcome | None, names: Mapping[str, str], languages: Mapping[str, str]
) -> Markup:
    """``key`` is its id."""
    found = summary(outcome)
    head = element(
        "header",
        element("h3", outcome.title, id=f"{key}-h"),
        element("p", element("code", outcome.name), " ", outcome.what, class_="what"),
    )
    body = element(
        "div",
        figure(key, outcome, old, names, languages),
        None if found is None else _aside(outcome, found, names),
        class_="body",
    )
    data = None
    if measured(outcome):
        data = element("details", element("summary", "All figures"), table(outcome, old, names))
    return element("article", head, body, _notes(outcome, names), data, id=key, aria_labelledby=f"{key}-h")


def _aside(outcome: Outcome, found: Summary, names: Mapping[str, str]) -> Markup:
    """What it comes to, large."""
    ours = value(found.ours.median, outcome.unit)
    if found.reference is None or found.times is None:
        where = place(outcome, found.ours.at)
        said = f"a {outcome.per}, {label(names, found.ours.side)}{f', {where}' if where else ''}"
        words = [element("p", ours, class_="big"), element("p", said, class_="against")]
    else:
        pair = f"{value(found.reference.median, outcome.unit)} → {ours}"
        words = [element("p", f"{ratio_text(found.times)}×", class_="big"), element("p", pair, class_="pair")]
    if found.verdict is not None:
        words.append(element("p", f"{found.verdict.words}.", class_="against"))
    words += [element("p", f"{one.words}.", class_="against") for one in peer_goals(outcome)]
    return element("div", *words, element("div", *chips(outcome, found), class_="chips"), class_="comes-to")


def peer_goals(outcome: Outcome) -> list[Verdict]:
    """Our side beside the peers that there is a goal for."""
    return [one for one in against_ours(outcome) if one.goal is not None]


def chips(outcome: Outcome, found: Summary) -> list[Markup]:
    """Signs with words: the goal, and doubt, and the goals against peers in one."""
    signs = _own_chips(found)
    if judged := [one.goal_met for one in peer_goals(outcome)]:
        sign, _, kind = _GOALS[all(judged) or (None if False not in judged else False)]
        said = f"{sign} {judged.count(True)} of {len(judged)} goals against peers met"
        signs.append(element("span", said, class_=f"chip {kind}"))
    return signs


def _own_chips(found: Summary) -> list[Markup]:
    verdict, signs = found.verdict, []
    if verdict is None:
        return []
    if verdict.goal is not None:
        sign, word, kind = _GOALS[verdict.goal_met]
        signs.append(element("span", f"{sign} goal {ratio_text(verdict.goal)}× {word}", class_=f"chip {kind}"))
    if verdict.better is None:
        signs.append(element("span", "≈ doubtful", class_="chip doubt"))
    if verdict.few_rounds is not None:
        said = f"≈ {verdict.few_rounds} round{'s' * (verdict.few_rounds != 1)} only"
        signs.append(element("span", said, class_="chip doubt"))
    return signs


def _notes(outcome: Outcome, names: Mapping[str, str]) -> Markup | None:
    sides: dict[str, dict[str, None]] = {}
    for row in measured(outcome):
        if row.note:
            sides.setdefault(row.note, {})[label(names, row.side)] = None
    if not sides:
        return None
    items = (element("li", element("b", ", ".join(whose)), f": {note}") for note, whose in sides.items())
    return element("ul", *items, class_="notes")
