"""docs/compatibility.md names every program, with spans compared and no difference."""

from pathlib import Path

import pytest

from tests.instrumentations import table
from tests.instrumentations.catalogue import PROGRAMS
from tests.instrumentations.running import PROGRAMS as FOLDER


def documented() -> list[list[str]]:
    page = table.PAGE.read_text(encoding="utf-8")
    _, _, rest = page.partition(table.BEGIN)
    rows = rest.partition(table.END)[0].strip().splitlines()[2:-1]  # but head and sum
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_page_names_every_program_in_order() -> None:
    assert [row[0] for row in documented()] == [str(program) for program in PROGRAMS], "make instrumentations-table"


def test_the_page_tells_of_spans_and_of_no_difference() -> None:
    for (name, libraries, spans, differences), program in zip(documented(), PROGRAMS, strict=True):
        assert int(spans.replace(",", "")) >= program.spans, name
        assert all(library in libraries for library in program.libraries), name
        assert differences == "0", name


def test_every_file_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {program.name for program in PROGRAMS}


def test_writing_the_table_changes_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(table, "PAGE", page)
    table.write([table.Row("one", "flask 3", 1200, 0), table.Row("two", "click 8", 34, 0)])
    assert page.read_text(encoding="utf-8").splitlines() == [
        "before",
        table.BEGIN,
        "| program | libraries | spans compared | differences |",
        "|---|---|---|---|",
        "| one | flask 3 | 1,200 | 0 |",
        "| two | click 8 | 34 | 0 |",
        "| all 2 |  | 1,234 | 0 |",
        table.END,
        "after",
    ]
