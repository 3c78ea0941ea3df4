"""The table: program, libraries with their versions, spans compared, differences. In docs/compatibility.md it is a copy of a run's."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from tests.conftest import ROOT

__all__ = ["Row", "keep", "kept", "lines", "write", "written"]

KEPT = ROOT / "build/instrumentations.json"
PAGE = ROOT / "docs/compatibility.md"
BEGIN = "<!-- instrumentations: begin. From a run, by `make instrumentations-table`; a test fails where a program is missing. -->"
END = "<!-- instrumentations: end -->"
HEAD = ("program", "libraries", "spans compared", "differences")


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a program."""

    program: str
    libraries: str
    spans: int
    differences: int


def keep(rows: Iterable[Row]) -> None:
    """As this run's."""
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")


def kept() -> list[Row]:
    """The last run's."""
    return [Row(**row) for row in json.loads(KEPT.read_text(encoding="utf-8"))]


def lines(rows: Sequence[Row]) -> list[str]:
    """For a terminal."""
    cells = [HEAD, *(_cells(row) for row in rows), _cells(_total(rows))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def written() -> list[Row]:
    """What the page has."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    lines = [line for line in rest.partition(END)[0].splitlines() if line.startswith("|")][2:-1]  # but head and sum
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Row(name, libraries, int(spans.replace(",", "")), int(count)) for name, libraries, spans, count in cells]


def write(rows: Sequence[Row], names: Sequence[str], below: str) -> None:
    """Into the page, in the place of what is there: these rows, and for the others of ``names`` the rows that it has; a line below."""
    found = {row.program: row for row in (*written(), *rows)}
    rows = [found[name] for name in names if name in found]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = [HEAD, *(_cells(row) for row in rows), _cells(_total(rows))]
    text = [f"| {' | '.join(line)} |" for line in table]
    text.insert(1, "|---|---|---|---|")
    PAGE.write_text("\n".join([f"{before}{BEGIN}", *text, "", below, f"{END}{after}"]), encoding="utf-8")


def _cells(row: Row) -> tuple[str, ...]:
    return row.program, row.libraries, f"{row.spans:,}", str(row.differences)


def _total(rows: Iterable[Row]) -> Row:
    found = list(rows)
    return Row(f"all {len(found)}", "", sum(row.spans for row in found), sum(row.differences for row in found))
