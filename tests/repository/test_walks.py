"""ARCHITECTURE.md walks through the code in ten steps a signal: each step that exists names a type and the file that has it."""

import re

import pytest

from tests.conftest import ROOT

SECTION = (
    (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("\n## Two walks in ten steps\n")[1].split("\n## ")[0]
)
WALKS = {part.partition("\n")[0]: part for part in SECTION.split("\n### ")[1:]}
STEP = re.compile(r"^(\d+)\. \*\*[^*]+\*\* \((?:`(\w+)`, `([^`]+)`|comes with issue \d+)\): ", re.MULTILINE)
PLACE = re.compile(r"`(\w+)` of `([^`]+)`")


def defines(name: str, path: str) -> bool:
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.search(rf"\b(?:struct|enum|trait|class) {name}\b", text) is not None


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_has_ten_steps_and_each_leads_to_a_type(walk: str) -> None:
    steps = STEP.findall(WALKS[walk])
    assert [int(number) for number, _, _ in steps] == list(range(1, 11))
    named = [(name, path) for _, name, path in steps if name] + PLACE.findall(WALKS[walk])
    assert not [(name, path) for name, path in named if not defines(name, path)]


def test_both_walks_are_there() -> None:
    assert len(WALKS) == 2
    assert not defines("Spans", "native/queue/src/writer.rs")
