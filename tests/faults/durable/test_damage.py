"""What can be read of damaged folders arrives, what cannot is counted or named, and nothing hangs; ``python -m tests.faults.durable.damage``
prints a table of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.durable.damage import Case, cases, make, play


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    place = tmp_path_factory.mktemp("left")
    return {scopes: make(place, scopes) for scopes in (1, 3)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", cases(step=5), ids=lambda case: case.name)
def test_what_is_intact_arrives_and_the_rest_is_told(
    case: Case, bases: dict[int, Path], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    result = play(case, bases[case.scopes], tmp_path)
    record_property("result", result.row())
    assert result.wrong == [], result
