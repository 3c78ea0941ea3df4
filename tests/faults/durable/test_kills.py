"""Processes that are killed at any moment: every span whose ``end()`` has returned arrives, at least once, or was counted as dropped.

``KILLS=13 pytest tests/faults/durable/test_kills.py`` kills more than 200 times; ``python -m tests.faults.durable`` prints a table of it.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.durable.kills import CASES, can_mount, judge, play


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
def test_no_span_whose_end_has_returned_is_lost(
    case: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if CASES[case].needs_mount and not can_mount():
        pytest.skip("not applicable: no mount namespaces here")
    books = play(case, int(os.environ.get("KILLS", "2")), tmp_path)
    record_property("books", books.row())
    assert judge(case, books) == [], books
    if case == "disk full":
        assert books.dropped > 100 * books.kills
