"""docs/compatibility.md names tests: they exist, and each listed difference has one."""

import re

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
TRACER = PAGE.split("## Tracer\n")[1].split("\n## ")[0]
BEYOND = PAGE.split("## What libraries do beyond the API\n")[1].split("\n## ")[0]
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", TRACER + BEYOND)))


@pytest.mark.parametrize("file, name", NAMED)
def test_a_test_that_the_page_names_exists(file: str, name: str) -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob(f"*/trace/**/{file}")]
    assert any(f"\ndef {name}(" in source for source in sources)


def test_every_line_of_the_tables_names_a_test() -> None:
    lines = [
        line
        for line in TRACER.splitlines()
        if line.startswith("| ") and not line.startswith(("| what", "| difference |"))
    ]
    assert len(lines) > 30
    assert [line for line in lines if "`test_" not in line] == []


def test_every_library_that_goes_beyond_the_api_has_a_test() -> None:
    lines = [line for line in BEYOND.splitlines() if line.startswith("| ") and not line.startswith("| who")]
    assert len(lines) > 10
    programs = {path.stem for path in (ROOT / "tests" / "instrumentations" / "programs" / "beyond").glob("*.py")}
    assert set(re.findall(r"`beyond/(\w+)`", BEYOND)) == programs
    assert [line for line in lines if not re.search(r"`test_|`beyond/|the same \|$", line)] == []


def test_what_the_differential_suite_levels_is_on_the_page() -> None:
    source = (ROOT / "tests" / "property" / "trace" / "differences.py").read_text(encoding="utf-8")
    levelled = set(re.findall(r"\btest_\w+", source))
    assert len(levelled) > 10
    assert levelled - {name for _, name in NAMED} == set()
