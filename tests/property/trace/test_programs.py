"""Random programs of tracer and span calls do with ``spanwire.trace`` what they do with the SDK.

``HYPOTHESIS_PROFILE`` says how many: quick 50, default 300, full 10,000. One that fails is printed as it can be pasted into
regressions.py.
"""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.property.trace.compared import assert_same
from tests.property.trace.draws import programs
from tests.property.trace.newest import pytestmark as only_newest
from tests.property.trace.ours import OURS
from tests.property.trace.programs import Program
from tests.property.trace.regressions import REGRESSIONS

pytestmark = only_newest

EXAMPLES = {25: 50, 100: 300, 1_000: 10_000}


@settings(
    max_examples=EXAMPLES.get(settings().max_examples, settings().max_examples),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(programs())
def test_a_program_does_what_it_does_with_the_sdk(program: Program) -> None:
    assert_same(program, OURS)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_once_differed_is_the_same(name: str) -> None:
    assert_same(REGRESSIONS[name], OURS)
