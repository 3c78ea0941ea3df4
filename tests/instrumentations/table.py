"""The table: program, libraries with their versions, spans compared, differences. In docs/compatibility.md it is a copy of a run's."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from tests.conftest import ROOT

__all__ = ["Row", "keep", "kept", "lines", "write"]

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


def write(rows: Sequence[Row]) -> None:
    """Into the page, in the place of what is there."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = [HEAD, tuple("---" for _ in HEAD), *(_cells(row) for row in rows), _cells(_total(rows))]
    text = "\n".join(f"| {' | '.join(line)} |" for line in table).replace(
        "| --- | --- | --- | --- |", "|---|---|---|---|"
    )
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _cells(row: Row) -> tuple[str, ...]:
    return row.program, row.libraries, f"{row.spans:,}", str(row.differences)


def _total(rows: Iterable[Row]) -> Row:
    found = list(rows)
    return Row(f"all {len(found)}", "", sum(row.spans for row in found), sum(row.differences for row in found))
