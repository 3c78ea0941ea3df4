"""Several requests are under way when it goes wrong: the default for a backend elsewhere."""

from itertools import pairwise

from tests.faults.delivery.scenario import nothing_lost, scenario
from tests.faults.delivery.world import FAR, Result, World

ANSWER = 0.4  # seconds that the backend takes for each


def start(world: World, seconds: float) -> None:
    """A service that has more to send than one request at a time could carry."""
    world.host = FAR
    sink = world.up()
    sink.inject(delay=ANSWER, times=None)
    world.wire.open()
    world.start(seconds=seconds, rate=1000, processor={"schedule_delay_millis": 50, "max_export_batch_size": 50})


def together(world: World) -> int:
    """Requests that came before the one in front of them can have been answered."""
    came = sorted(request.received_at for sink in world.sinks for request in sink.requests())
    return sum(after - before < ANSWER * 0.9e9 for before, after in pairwise(came))


@scenario
def several_requests_are_under_way(world: World) -> Result:
    """A backend that is slow, but well, is sent several requests at once."""
    start(world, seconds=10)
    result = nothing_lost(world.end(), again=False)
    assert together(world) > 0, "one request at a time"
    return result


@scenario
def connections_are_reset_with_several_requests_under_way(world: World) -> Result:
    """All of them are sent again, and only those."""
    start(world, seconds=15)
    for _ in range(4):
        world.sleep(world.rng.uniform(1, 3))
        world.wire.reset()
    result = nothing_lost(world.end(), again=True)
    assert together(world) > 0, "one request at a time"
    return result


@scenario
def backend_restarts_with_several_requests_under_way(world: World) -> Result:
    """What was not answered goes to the next one."""
    start(world, seconds=15)
    for _ in range(3):
        world.sleep(world.rng.uniform(2, 3))
        world.down()
        world.up().inject(delay=ANSWER, times=None)
    return nothing_lost(world.end(), again=True)
