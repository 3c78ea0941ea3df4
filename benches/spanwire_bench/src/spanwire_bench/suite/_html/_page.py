"""The page around the outcomes: its head, contents, who the sides are, and how it was run."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from collections.abc import Iterable, Mapping
from typing import Any

from spanwire_bench.suite._html._headline import headline
from spanwire_bench.suite._html._section import article, group_title
from spanwire_bench.suite._html._sides_shown import (
    class_of,
    is_ours,
    label,
    labels,
    language,
    mark,
    ordered,
    with_figures,
)
from spanwire_bench.suite._html._svg import Child, Markup, element
from spanwire_bench.suite._html._table import boxed, facts
from spanwire_bench.suite._html._top import overview, top
from spanwire_bench.suite._model import Document, Outcome

__all__ = ["page"]


def page(document: Document, old: Document | None) -> str:
    """The whole file."""
    names = labels(document)
    languages = {side: language(document, side) for side in names}
    outcomes = list(map(with_figures, document.outcomes))
    before = {} if old is None else {one.name: one for one in old.outcomes}
    keyed = list(zip(_keys(outcomes), outcomes, strict=True))
    groups: dict[str, list[tuple[str, Outcome]]] = {}
    for key, outcome in keyed:
        groups.setdefault(outcome.group, []).append((key, outcome))
    sections = [
        _section(
            f"g{index}",
            group_title(group),
            *(article(key, outcome, before.get(outcome.name), names, languages) for key, outcome in inside),
        )
        for index, (group, inside) in enumerate(groups.items())
    ]
    main = element(
        "main",
        top(document, old, headline(keyed, before, names, languages)),
        overview(keyed),
        *sections,
        _sides(document, names),
        _how(document),
        id="main",
        tabindex="-1",
    )
    body = element(
        "body",
        element("a", "To the results", href="#main", class_="skip"),
        _bar(),
        element("div", _contents(groups), main, class_="columns"),
        element("footer", element("p", "Written by ", element("code", "spanwire bench"), ".")),
        _raw("script", _resource("report.js")),
    )
    return f"<!doctype html>\n{element('html', _head(document), body, lang='en')}\n"


def _head(document: Document) -> Markup:
    style, script = _resource("report.css"), _resource("report.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"spanwire bench, {document.started}"),
        element("link", rel="icon", href="data:,"),  # else a server is asked for one
        _raw("style", style),
    )


def _resource(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _raw(tag: str, content: str) -> Markup:
    return Markup(f"<{tag}>{content}</{tag}>")


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _keys(outcomes: Iterable[Outcome]) -> list[str]:
    """An id for each, made of its name; no two the same."""
    keys: list[str] = []
    for outcome in outcomes:
        base = "o-" + (re.sub(r"[^a-z0-9]+", "-", outcome.name.lower()).strip("-") or "outcome")
        key, number = base, 2
        while key in keys:
            key, number = f"{base}.{number}", number + 1
        keys.append(key)
    return keys


def _section(key: str, title: str, *content: Child, class_: str | None = None) -> Markup:
    heading = element("h2", title, id=f"{key}-h")
    return element("section", heading, *content, id=key, aria_labelledby=f"{key}-h", class_=class_)


def _bar() -> Markup:
    """What only works with JavaScript is hidden until there is some."""
    buttons = [
        element("button", "Linear scales", type="button", id="scale", aria_pressed="false"),
        element("button", "Open all tables", type="button", id="tables", aria_pressed="false"),
        element("button", "Dark", type="button", id="theme"),
    ]
    logo = element("span", element("b", "spanwire"), " bench", class_="brand")
    return element("header", logo, element("div", *buttons, class_="tools", hidden=True), class_="bar")


def _contents(groups: Mapping[str, list[tuple[str, Outcome]]]) -> Markup:
    items = [
        element(
            "li",
            element("a", group_title(group), href=f"#g{index}"),
            element("ul", *(element("li", element("a", outcome.title, href=f"#{key}")) for key, outcome in inside)),
        )
        for index, (group, inside) in enumerate(groups.items())
    ]
    first, *last = (
        element("li", element("a", text, href=f"#{key}"))
        for key, text in (("glance", "At a glance"), ("sides", "Who is who"), ("how", "How it was run"))
    )
    return element("nav", element("ul", first, *items, *last), aria_label="Contents")


def _sides(document: Document, names: Mapping[str, str]) -> Markup:
    lines = []
    for side in ordered([*document.sides, *names]):
        entry: Any = document.sides.get(side)
        said = entry if isinstance(entry, Mapping) else {}
        sign = element(
            "svg", mark(side, 8, 8, 5.5), viewBox="0 0 16 16", class_=f"sign {class_of(side)}", aria_hidden="true"
        )
        cells = [element("th", sign, label(names, side), scope="row", class_="t")]
        cells += [
            element("td", str(text or "–"), class_=kind)
            for text, kind in (
                (language(document, side), "t"),
                (said.get("version"), "t"),
                (said.get("what"), "t long"),
            )
        ]
        lines.append(element("tr", *cells, class_="ours" if is_ours(side) else None))
    columns = [(title, "t") for title in ("side", "language", "version", "what it is")]
    box = boxed("who is who", "Every side, with its sign in the plots", columns, lines)
    return _section("sides", "Who is who", box, class_="card")


def _how(document: Document) -> Markup:
    """Everything that the document knows of its circumstances, whatever that is."""
    machine = {name: said for name, said in document.environment.items() if name != "versions"}
    versions: Any = document.environment.get("versions")
    parts: list[Markup] = []
    for title, said in (("Method", document.method), ("Machine", machine), ("Versions", versions)):
        if isinstance(said, Mapping) and said:
            pairs = {str(name).replace("_", " "): _plain(value) for name, value in said.items()}
            parts += [element("h3", title), facts(pairs)]
    return _section("how", "How it was run", *parts, class_="card")


def _plain(said: object) -> str:
    """Of JSON, in words."""
    if isinstance(said, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')} {_plain(value)}" for name, value in said.items())
    if isinstance(said, list | tuple):
        return ", ".join(map(_plain, said))
    if said is None:
        return "none"
    return ("no", "yes")[said] if isinstance(said, bool) else str(said)
