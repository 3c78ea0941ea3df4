"""The comparison itself: it finds no difference where there is none, and every planted one; and its programs are no toys."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from tests.property.trace import programs as written
from tests.property.trace.census import FEATURES, census, shares
from tests.property.trace.compared import assert_same, differs
from tests.property.trace.draws import programs
from tests.property.trace.made import Make
from tests.property.trace.mutants import MUTANTS, mutant
from tests.property.trace.newest import pytestmark as only_newest
from tests.property.trace.programs import Program
from tests.property.trace.runner import run
from tests.property.trace.sides import SDK

# A thousand programs, or those until a planted difference is found, take half a minute; on a busy machine several.
# They guard the comparison alone, so `make test-full` runs them.
pytestmark = [only_newest, pytest.mark.timeout(600), pytest.mark.full]

POPULATION = 1_000


def drawn(examples: int, test: Callable[[Program], None]) -> None:
    """Calls ``test`` with random programs, the same in each run but for constants that hypothesis finds in loaded modules."""
    settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(programs())(test))()


@pytest.fixture(scope="module")
def population() -> Counter[str]:
    runs: list[list[str]] = []

    def collect(program: Program) -> None:
        runs.append(run(program, SDK))

    drawn(POPULATION, collect)
    return census(runs)


@pytest.mark.slow
@pytest.mark.parametrize("feature", FEATURES)
def test_programs_reach(population: Counter[str], feature: str) -> None:
    # A tenth of the usual share (none, of the rarest): which constants hypothesis mixes in depends on the modules that other
    # tests have loaded.
    assert population[feature] >= population["programs"] * FEATURES[feature][1] // 1000, shares(population)


def test_the_sdk_does_not_differ_from_itself() -> None:
    def same(program: Program) -> None:
        assert_same(program, SDK)

    drawn(40, same)


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_difference_is_found(name: str) -> None:
    find(
        programs(),
        lambda program: differs(program, mutant(name)),
        settings=settings(
            max_examples=20_000,  # most are found by the first hundred; see above
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_difference_is_reported_with_the_program_that_shows_it() -> None:
    program = Program(
        steps=(written.Start(), written.Call(method="end"), written.Call(method="end", kwargs={"end_time": 5}))
    )
    with pytest.raises(AssertionError) as failed:
        assert_same(program, mutant("does not warn of a second end"))
    assert "-log opentelemetry.sdk.trace WARNING 'Calling end() on an ended span.'" in str(failed.value)
    assert repr(program) in str(failed.value)


def test_a_program_prints_as_what_makes_it_again() -> None:
    names = {**vars(written), "Make": Make}

    def same_again(program: Program) -> None:
        assert repr(eval(repr(program), names)) == repr(program)

    drawn(40, same_again)
