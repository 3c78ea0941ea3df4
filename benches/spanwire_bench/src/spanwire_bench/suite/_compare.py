"""An earlier run beside this one: figures then and now, and ratios, which other machines can be compared by."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from spanwire.cli.toolkit import make_console
from spanwire_bench.suite import _sound, _verdict
from spanwire_bench.suite._model import BadDocument, Document, Outcome, Row
from spanwire_bench.suite._sides import OURS
from spanwire_bench.suite._values import cell, place, ratio_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spanwire_bench.suite._verdict import Ratio

__all__ = ["Change", "changes", "differences", "read", "show"]

_MACHINE = (
    "cpu",
    "cores",
    "machine",
    "python",
    "implementation",
    "system",
    "memory_bytes",
    "governor",
    "smt",
    "profile_guided",
)
_LARGEST_FILE = 64 << 20
_SIDE_CELLS = 18
_SAID_CHARACTERS = 80  # of what differs


@dataclass(frozen=True, slots=True)
class Change:
    """One side at one place, then and now.

    :param old_ratio: to the reference then, ``new_ratio`` now; None for the reference itself, or where there is none.
    :param within: whether the new ratio lies within what the rounds spanned then; None where there is no ratio.
    :param words: what that means.
    """

    outcome: str
    side: str
    at: float | None
    unit: str
    old: float
    new: float
    old_ratio: Ratio | None
    new_ratio: Ratio | None
    within: bool | None
    words: str


def read(path: str) -> Document:
    """Raises BadDocument with a reason in one line."""
    try:
        file = pathlib.Path(path)
        if file.is_file() and file.stat().st_size > _LARGEST_FILE:
            raise BadDocument(f"{path}: it is larger than any result")
        said: Any = json.loads(file.read_bytes())
    except OSError as error:
        raise BadDocument(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise BadDocument(f"{path}: it is no JSON") from None
    try:
        document = Document.from_json(_sound.harmless(said))
        _sound.check(document)
    except BadDocument as error:
        raise BadDocument(f"{path}: {error}") from None
    except RecursionError:
        raise BadDocument(f"{path}: it is damaged: lists within lists without an end") from None
    except (AttributeError, TypeError, ValueError, OverflowError) as error:  # of something of another kind altogether
        raise BadDocument(f"{path}: it is damaged: {error}") from None
    return document


def differences(old: Document, new: Document) -> list[str]:
    """What differs of the machine, of Python and of versions: a line each."""
    found = []
    for name in _MACHINE:
        then, now = old.environment.get(name), new.environment.get(name)
        if then != now:
            found.append(f"{name.removesuffix('_bytes')}: {_said(then)} then, {_said(now)} now")
    then_versions, now_versions = (_versions(one) for one in (old, new))
    found += [
        f"{name}: {_said(then_versions.get(name))} then, {_said(now_versions.get(name))} now"
        for name in dict.fromkeys([*then_versions, *now_versions])
        if then_versions.get(name) != now_versions.get(name)
    ]
    found += [
        f"{name}: {_said(old.method.get(name))} then, {_said(new.method.get(name))} now"
        for name in ("batch", "scale")
        if old.method.get(name) != new.method.get(name)
    ]
    return found


def _versions(document: Document) -> Mapping[str, Any]:
    """Of packages, and of sides that are no packages."""
    versions = document.environment.get("versions")
    sides = {
        name: one["version"] for name, one in document.sides.items() if isinstance(one, dict) and one.get("version")
    }
    return {**(versions if isinstance(versions, dict) else {}), **sides}


def _said(what: object) -> str:
    if what is None:
        return "not known"
    text = str(what)
    return text if len(text) <= _SAID_CHARACTERS else f"{text[:_SAID_CHARACTERS]} …"


def changes(old: Document, new: Document) -> list[Change]:
    """Of each outcome, side and place that both have, in the new order."""
    found = []
    for outcome in new.outcomes:
        before = old.outcome(outcome.name)
        if before is None or (before.unit, before.lower_is_better) != (outcome.unit, outcome.lower_is_better):
            continue
        pairs = [(then, row) for row in outcome.rows if (then := before.row(row.side, row.at)) is not None]
        found += [_change(before, then, outcome, row) for then, row in pairs]
    return found


def _change(before: Outcome, then: Row, outcome: Outcome, now: Row) -> Change:
    old_ratio, new_ratio = (
        _to_reference(before, then, outcome.reference),
        _to_reference(outcome, now, outcome.reference),
    )
    within, words = None, ""
    if old_ratio is not None and new_ratio is not None:
        within, words = _judged(old_ratio, new_ratio)
    return Change(
        outcome.name, now.side, now.at, outcome.unit, then.median, now.median, old_ratio, new_ratio, within, words
    )


def _to_reference(outcome: Outcome, row: Row, reference: str | None) -> Ratio | None:
    against = None if reference is None or reference == row.side else outcome.row(reference, row.at)
    return None if against is None else _verdict.ratio(outcome, row, against)


def _judged(old: Ratio, new: Ratio) -> tuple[bool | None, str]:
    """By what single rounds of the old run spanned: a run later on is another day, and quartiles are of one day."""
    if old.rounds < 2:
        return None, "one round then, no spread known"
    spread = f"{ratio_text(old.least)} to {ratio_text(old.most)}"
    if old.has(new.medians):
        inside = old.least <= new.medians <= old.most
        return True, f"within the rounds of then ({spread})" if inside else f"the same to {_verdict.SAME:.0%}"
    where = "above" if new.medians > old.most else "below"
    if old.meets(new):
        return False, f"{where} the rounds of then ({spread}), but some rounds overlap: doubtful"
    return False, f"{where} the rounds of then ({spread}): {'better' if where == 'above' else 'worse'} than it was"


def show(old: Document, new: Document, name: str, *, color: bool = True) -> None:
    """A table, what differs, and a sentence, to standard output."""
    console = make_console(color=color)
    arrow = "->" if console.options.ascii_only else "→"
    console.print()
    console.print(Text(f"beside {name}, of {_said(old.started)}", style="bold"))
    for line in differences(old, new):
        console.print(Text(line, style="yellow"))
    found = changes(old, new)
    if not found:
        console.print("nothing to compare: the two runs have no scenario and side in common")
        return
    for outcome in new.outcomes:
        own = [one for one in found if one.outcome == outcome.name]
        if not own:
            continue
        console.print(Text(outcome.name, style="bold"))
        console.print(_table(outcome, own, arrow))
        for one in own:
            if one.side == OURS and one.words:
                where = " ".join(filter(None, (place(outcome, one.at), _ratios(one, arrow))))
                console.print(Text(f"{where}: {one.words}", style="" if one.within else "yellow"))
    console.print(Text(_sentence(found), style="bold"))


def _table(outcome: Outcome, found: Sequence[Change], arrow: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("", min_width=_SIDE_CELLS, no_wrap=True)
    placed = any(one.at is not None for one in found)
    if placed:
        table.add_column("", justify="right", no_wrap=True)
    for heading in ("then", "now"):
        table.add_column(heading, justify="right", min_width=9, no_wrap=True)
    table.add_column("", justify="right", min_width=5, no_wrap=True)
    table.add_column("ratio", justify="right", min_width=11, no_wrap=True)
    for one in found:
        table.add_row(
            Text(one.side, style="bold green" if one.side == OURS else ""),
            *([place(outcome, one.at)] if placed else []),
            cell(outcome, one.old),
            cell(outcome, one.new),
            f"{one.new / one.old - 1:+.0%}" if one.old > 0 else "",
            _ratios(one, arrow),
        )
    return table


def _ratios(change: Change, arrow: str) -> str:
    if change.old_ratio is None or change.new_ratio is None:
        return ""
    return f"{ratio_text(change.old_ratio.medians)} {arrow} {ratio_text(change.new_ratio.medians)}"


def _sentence(found: Sequence[Change]) -> str:
    ours = [one for one in found if one.side == OURS and one.within is not None]
    if not ours:
        return "no ratio of spanwire's can be compared"
    within = sum(one.within is True for one in ours)
    return f"{within} of {len(ours)} ratios of spanwire's are the same as then: within its rounds, or to {_verdict.SAME:.0%}"
