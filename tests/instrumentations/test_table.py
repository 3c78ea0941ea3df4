"""docs/compatibility.md names every program, with spans compared and no difference."""

from pathlib import Path

import pytest

from tests.instrumentations import table
from tests.instrumentations.catalogue import PROGRAMS
from tests.instrumentations.running import PROGRAMS as FOLDER


def test_the_page_names_every_program_in_order() -> None:
    assert [row.program for row in table.written()] == [str(one) for one in PROGRAMS], "make instrumentations-table"


def test_the_page_tells_of_spans_and_of_no_difference() -> None:
    for row, program in zip(table.written(), PROGRAMS, strict=True):
        assert row.spans >= program.spans, row
        assert all(library in row.libraries for library in program.libraries), row
        assert row.differences == 0, row


def test_every_file_is_run() -> None:
    """What has an ``__init__.py`` beside it is a part of one."""
    files = [path for path in FOLDER.rglob("*.py") if not (path.parent / "__init__.py").exists()]
    names = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in files}
    assert names == {program.name for program in PROGRAMS}


def test_writing_changes_the_rows_that_were_run_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(table, "PAGE", page)
    table.write([table.Row("gone", "x 1", 1, 0), table.Row("two", "click 8", 3, 0)], ["one", "two", "gone"], "old")
    table.write([table.Row("two", "click 9", 34, 0), table.Row("one", "flask 3", 1200, 0)], ["one", "two"], "with x")
    assert page.read_text(encoding="utf-8").splitlines() == [
        "before",
        table.BEGIN,
        "| program | libraries | spans compared | differences |",
        "|---|---|---|---|",
        "| one | flask 3 | 1,200 | 0 |",
        "| two | click 9 | 34 | 0 |",
        "| all 2 |  | 1,234 | 0 |",
        "",
        "with x",
        table.END,
        "after",
    ]
