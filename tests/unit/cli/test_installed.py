"""Versions within bounds, and which of several distros is taken."""

import pytest

from spanwire.cli import _installed


@pytest.mark.parametrize(
    ("found", "fits"),
    [("1.32.9", False), ("1.33", True), ("1.33.0b1", True), ("1.100.2", True), ("2", False), ("2.0.0rc1", False)],
)
def test_versions_are_held_against_our_requirements(found: str, fits: bool) -> None:
    assert _installed.is_within(found, "<2,>=1.33") is fits


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        ([], None, ""),
        (["spanwire"], None, "spanwire"),
        (["spanwire", "b", "a"], None, "b"),
        (["spanwire", "b"], "spanwire", "spanwire"),
        (["spanwire", "b"], "c", ""),
        (["spanwire"], "", ""),
    ],
)
def test_another_one_is_taken_before_ours_unless_one_is_wanted(
    names: list[str], wanted: str | None, expected: str
) -> None:
    assert _installed.taken(names, wanted) == expected
