"""The service forks, is stopped, ends in the middle of it all."""

from tests.faults.delivery.scenario import lost_only, nothing_lost, scenario
from tests.faults.delivery.world import Result, World


@scenario
def service_forks(world: World) -> Result:
    """Children make spans of their own while the backend flaps; nobody sends another's."""
    world.up()
    world.wire.open()
    world.start(seconds=20, forks=(2 * world.scale, 5 * world.scale, 9 * world.scale))
    world.sleep(4)
    world.wire.refuse()
    world.sleep(3)
    world.wire.open()
    result = nothing_lost(world.end(), again=True)
    assert len(result.books) == 4, str(result)
    return result


@scenario
def service_is_stopped(world: World) -> Result:
    """SIGSTOP for longer than a request may take."""
    world.up()
    world.wire.open()
    world.start(seconds=25, exporter={"timeout": 2})
    for _ in range(3):
        world.sleep(world.rng.uniform(1, 3))
        world.stop()
        world.sleep(4)
        world.resume()
    return nothing_lost(world.end(), again=True)


@scenario
def service_shuts_down_in_the_middle(world: World) -> Result:
    """One thread shuts down while another makes spans: those that ended before arrive, those after are counted, and none is both."""
    sink = world.up()
    world.wire.open()
    sink.inject(delay=0.2, times=5)
    world.start(seconds=10, rate=2000, shut_down_after=5 * world.scale, flush=0)
    result = lost_only(world.end(), "shutdown", again=False)
    assert result.arrived + result.dropped["shutdown"] == result.made, str(result)
    assert result.arrived, str(result)
    return result


@scenario
def service_ends_while_the_backend_is_slow(world: World) -> Result:
    """Flush and shutdown keep their time; what was not sent by then is counted."""
    sink = world.up()
    world.wire.open()
    sink.inject(delay=20, times=None)
    world.start(seconds=5, flush=1.0)
    result = lost_only(world.end(), "shutdown", "timeout", again=True)
    for book in result.books.values():
        assert book["flush_seconds"] < 10, book  # a hang guard: 1 s
        assert book["shutdown_seconds"] < 40, book  # a hang guard: its limit
    return result
