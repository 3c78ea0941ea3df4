"""The harness of the scenarios finds what it is to find."""

import pytest

from tests.faults.delivery.scenario import nothing_lost
from tests.faults.delivery.scenarios import SCENARIOS
from tests.faults.delivery.world import World


@pytest.mark.slow
def test_a_quiet_play_loses_nothing() -> None:
    with World(1, "http/protobuf", scale=0.05) as world:
        SCENARIOS["nothing goes wrong"].play(world)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "says"),
    [
        ("uncounted", "accepted are"),
        ("altered", "another span than was made"),
        ("lost", "exported"),
        ("late", "dropped"),
    ],
)
def test_a_planted_defect_fails_a_play(planted: str, says: str) -> None:
    with World(1, "http/protobuf", scale=0.05) as world:
        sink = world.up()
        world.wire.open()
        if planted == "lost":  # acknowledged, and gone
            sink.inject(body=b"", keep=False)
        if planted == "late":
            sink.inject(status=400)
        world.start(seconds=10, planted=planted)
        with pytest.raises((AssertionError, pytest.fail.Exception), match=says):
            nothing_lost(world.end(), again=False)
