"""Whether a document that came from a file is what everything else takes it for: a damaged one is to be refused, not to be tripped over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_args

from spanwire.cli.toolkit import one_line
from spanwire_bench.suite._model import BadDocument, Document, Histogram, Outcome, Plot, Row

__all__ = ["check", "harmless"]

_LEAST, _MOST = 1e-12, 1e18  # of samples that are not zero, and of everything: so that ratios can be reckoned with
_MOST_CHARACTERS = 4_000  # of a text; the longest of the suite's own has a few hundred
_MOST_NAMES = 1_000  # of a table


def harmless(said: Any) -> Any:
    """What JSON has, with texts of one line that cannot steer a terminal. Raises BadDocument for what is out of all proportion."""
    if isinstance(said, str):
        if len(said) > _MOST_CHARACTERS:
            raise BadDocument(f"it is damaged: a text of {len(said):,} characters")
        return said if said.isprintable() else one_line(said)
    if isinstance(said, dict):
        if len(said) > _MOST_NAMES:
            raise BadDocument(f"it is damaged: a table of {len(said):,} names")
        return {harmless(name): harmless(one) for name, one in said.items()}
    if isinstance(said, list):
        return list(map(harmless, said))
    if said is not None and not isinstance(said, bool) and not _is_number(said):
        raise BadDocument("it is damaged: a number that cannot be")
    return said


def check(document: Document) -> None:
    """Raises BadDocument."""
    _every("the run", (document.command, document.started), _is_text)
    _every("the run", (document.seconds,), _is_number)
    _every("the run", (document.complete,), _is_flag)
    _every("where and how it was measured", (document.environment, document.method, document.sides), _is_table)
    _every("where it was measured", (document.environment.get("versions", {}),), _is_table)
    _every("a side", document.sides.values(), _is_table)
    _every("what was left out", (document.left_out,), _is_table)
    _every("what was left out", document.left_out.values(), _is_text)
    for outcome in document.outcomes:
        _check_outcome(outcome)
    names = [one.name for one in document.outcomes]
    if len(set(names)) < len(names):
        raise BadDocument("it is damaged: a scenario is there twice")


def _check_outcome(outcome: Outcome) -> None:
    _every("a scenario", (outcome.name, outcome.title, outcome.what, outcome.unit, outcome.per, outcome.axis), _is_text)
    _every(outcome.name, (outcome.plot,), lambda one: one in get_args(Plot))
    _every(outcome.name, (outcome.lower_is_better,), _is_flag)
    _every(outcome.name, (outcome.reference,), lambda one: one is None or _is_text(one))
    _every(outcome.name, (outcome.goal,), lambda one: one is None or _is_positive(one))
    _every(outcome.name, (outcome.peer_goals,), _is_table)
    _every(outcome.name, outcome.peer_goals.values(), _is_positive)
    for begin, end, what in outcome.stretches:
        _every(outcome.name, (begin, end), _is_number)
        _every(outcome.name, (what,), _is_text)
    for row in outcome.rows:
        _check_row(outcome.name, row)


def _check_row(name: str, row: Row) -> None:
    _every(name, (row.side, row.note), _is_text)
    _every(name, row.samples or (None,), _is_sample)
    maybe = (row.at, row.instructions, row.delivered, row.spans_a_request)
    _every(name, (one for one in maybe if one is not None), _is_number)
    _every(name, (one for point in row.series for one in point), _is_number)
    if row.histogram is not None:
        _check_histogram(name, row.histogram)


def _check_histogram(name: str, drawn: Histogram) -> None:
    _every(name, drawn.edges, _is_number)
    _every(name, drawn.counts, lambda one: _is_number(one) and one >= 0)  # type: ignore[operator]  # a number by then
    if len(drawn.edges) != len(drawn.counts) + 1 or list(drawn.edges) != sorted(drawn.edges):
        raise BadDocument(f"it is damaged: {name} has a histogram without its edges")


def _every(name: str, values: Iterable[object], sound: Callable[[object], bool]) -> None:
    if not all(map(sound, values)):
        raise BadDocument(f"it is damaged: {name} has something that cannot be")


def _is_text(one: object) -> bool:
    return isinstance(one, str)


def _is_flag(one: object) -> bool:
    return isinstance(one, bool)


def _is_table(one: object) -> bool:
    return isinstance(one, dict)


def _is_number(one: object) -> bool:
    """Finite, and no larger than what can be reckoned with."""
    return isinstance(one, int | float) and not isinstance(one, bool) and abs(one) <= _MOST  # NaN is not


def _is_sample(one: object) -> bool:
    return _is_number(one) and (one == 0 or abs(one) >= _LEAST)  # type: ignore[arg-type]  # a number by then


def _is_positive(one: object) -> bool:
    return _is_number(one) and one > 0  # type: ignore[operator]  # a number by then
