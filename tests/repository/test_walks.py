"""ARCHITECTURE.md walks through the code in ten steps a signal: each step that exists names a type and the file that has it."""

import re

import pytest

from tests.conftest import ROOT

SECTION = (
    (ROOT / "ARCHITECTURE.md")
    .read_text(encoding="utf-8")
    .split("\n## Two walks, ten steps each\n")[1]
    .split("\n## ")[0]
)
WALKS = {part.partition("\n")[0]: part for part in SECTION.split("\n### ")[1:]}
STEP = re.compile(r"^(\d+)\. \*\*[^*]+\*\* \((?:`(\w+)`, `([^`]+)`|not built yet)\): ", re.MULTILINE)
PLACE = re.compile(r"`(\w+)` of `([^`]+)`")


def defines(name: str, path: str) -> bool:
    text = (ROOT / path).read_text(encoding="utf-8")
    return (
        re.search(rf"^\s*(?:(?:pub(?:\([a-z]+\))?|cdef) )?(?:struct|enum|trait|class) {name}\b", text, re.MULTILINE)
        is not None
    )


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_has_ten_steps_and_each_leads_to_a_type(walk: str) -> None:
    steps = STEP.findall(WALKS[walk])
    assert [int(number) for number, _, _ in steps] == list(range(1, 11))
    named = [(name, path) for _, name, path in steps if name] + PLACE.findall(WALKS[walk])
    assert not [(name, path) for name, path in named if not defines(name, path)]


def test_steps_that_are_not_built_are_those_of_log_records_alone() -> None:
    missing = {walk: [int(n) for n, name, _ in STEP.findall(text) if not name] for walk, text in WALKS.items()}
    assert list(missing.values()) == [[], [1, 2, 3, 6]]


def test_a_type_that_is_elsewhere_is_not_found() -> None:
    assert not defines("Spans", "native/queue/src/writer.rs")
