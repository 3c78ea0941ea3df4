"""The report as text: a line a finding, what to do below it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from spanwire.cli._doctor._model import Level, Report, Step

__all__ = ["lines"]

_COLORS: dict[Level, str] = {"ok": "32", "warning": "33", "failed": "31", "skipped": "2"}
_LEVEL_CELLS = 9
_NAME_CELLS = 15


def lines(report: Report, *, color: bool = False, width: int = 100) -> Iterator[str]:
    """Line by line.

    :param color: with escape sequences for a terminal.
    :param width: of a line, in characters; words that are longer stay whole.
    """
    yield f"spanwire doctor: {report.destination or 'no endpoint that can be used'}"
    yield ""
    for step in report.steps:
        yield from _step(step, color, width)
    yield ""
    word = {"ok": "ok", "warning": "ok, with warnings", "failed": "failed"}.get(report.verdict, report.verdict)
    yield from _wrapped(_painted(f"verdict: {word}", report.verdict, color), report.summary, width)


def _step(step: Step, color: bool, width: int) -> Iterator[str]:
    name = step.name
    for finding in step.findings:
        head = f"{_painted(finding.level.ljust(_LEVEL_CELLS), finding.level, color)}{name.ljust(_NAME_CELLS)}"
        indent = " " * (_LEVEL_CELLS + _NAME_CELLS)
        body = _filled(finding.text, width - len(indent)) or [""]
        yield f"{head}{body[0]}"
        yield from (f"{indent}{line}" for line in body[1:])
        for at, line in enumerate(_filled(finding.cure, width - len(indent) - 3)):
            yield f"{indent}{'   ' if at else '-> '}{line}"
        name = ""
    settings = step.details.get("settings")
    if isinstance(settings, list):
        yield from _settings(settings)


def _settings(settings: list[dict[str, str]]) -> Iterator[str]:
    cells = max((len(one["name"]) for one in settings), default=0)
    for one in settings:
        origin = one["from"] if one["source"] == "option" else one["source"]
        if one["said"]:
            origin += f", in the place of {one['said']}"
        unit = f" {one['unit']}" if one["value"].replace(".", "", 1).isdigit() and one["unit"] else ""
        yield f"{'':{_LEVEL_CELLS}}{one['name']:{cells}}  {one['value'] or '-'}{unit}  ({origin})"


def _wrapped(head: str, text: str, width: int) -> Iterator[str]:
    yield head
    yield from _filled(text, width)


def _filled(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(20, width), break_long_words=False, break_on_hyphens=False)


def _painted(text: str, level: Level, color: bool) -> str:
    return f"\x1b[{_COLORS[level]}m{text}\x1b[0m" if color else text
