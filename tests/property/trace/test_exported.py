"""Random programs: an exporter in Python is given what the SDK would give it, though the spans waited as their bytes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import spanwire.trace
from spanwire._facade.tracing import detached
from tests.property.trace.draws import programs
from tests.property.trace.exported import QueueTap, SdkTap, described, exported
from tests.property.trace.newest import pytestmark as only_newest
from tests.property.trace.observe import Record
from tests.property.trace.ours import OURS
from tests.property.trace.programs import Program
from tests.property.trace.regressions import REGRESSIONS
from tests.property.trace.runner import run
from tests.property.trace.sides import SDK, Tap

pytestmark = only_newest

EXAMPLES = {25: 50, 100: 300, 1_000: 2_000}  # test_programs.py has the long run
as_many_as_programs = settings(
    max_examples=EXAMPLES.get(settings().max_examples, settings().max_examples),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


class Views(spanwire.trace.SpanProcessor):
    """Describes each span as processors get it, and a view that owns its frame."""

    def __init__(self) -> None:
        self.record = Record()
        self.live: list[str] = []
        self.detached: list[str] = []

    def on_end(self, span: Any) -> None:
        of_a_frame = detached(span)
        self.live.append(described(self.record, span))
        self.detached.append(described(self.record, of_a_frame))


@as_many_as_programs
@given(programs())
def test_an_exporter_is_given_what_the_sdk_gives_it(program: Program) -> None:
    assert exported(program, OURS, QueueTap) == exported(program, SDK, SdkTap)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_once_differed_is_exported_the_same(name: str) -> None:
    assert exported(REGRESSIONS[name], OURS, QueueTap) == exported(REGRESSIONS[name], SDK, SdkTap)


@as_many_as_programs
@given(programs())
def test_a_view_of_a_frame_is_the_view_of_its_span(program: Program) -> None:
    views = Views()
    run(program, replace(OURS, tap=lambda: Tap(views, list)))
    assert views.detached == views.live
