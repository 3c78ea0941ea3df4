"""The backend is down, restarts, throttles, refuses."""

from tests.faults.delivery.scenario import lost_only, nothing_lost, scenario
from tests.faults.delivery.world import Result, World


@scenario
def backend_down_at_start(world: World) -> Result:
    """It comes up 10 s after the service."""
    world.wire.refuse()
    world.start(seconds=15)
    world.sleep(10)
    world.up()
    world.wire.open()
    return nothing_lost(world.end(), again=False)


@scenario
def backend_down_for_a_minute(world: World) -> Result:
    """In the middle, with connections reset and refused."""
    world.up()
    world.wire.open()
    world.start(seconds=80)
    world.sleep(10)
    world.wire.refuse()
    world.sleep(60)
    world.wire.open()
    return nothing_lost(world.end(), again=True)


@scenario
def backend_down_for_good(world: World) -> Result:
    """Nothing arrives; the end comes in time; each span is counted."""
    world.wire.refuse()
    world.start(seconds=20, flush=2.0)
    result = lost_only(world.end(), "shutdown", "queue_full", "exhausted", "timeout", again=False)
    assert result.arrived == 0, str(result)
    for book in result.books.values():
        assert not book["flushed"], book
        assert book["flush_seconds"] < 10, book  # a hang guard: its limit
        assert book["shutdown_seconds"] < 35, book  # a hang guard: its limit
    return result


@scenario
def backend_flaps(world: World) -> Result:
    """Up and down at random."""
    world.up()
    world.wire.open()
    world.start(seconds=30)
    for _ in range(8):
        world.sleep(world.rng.uniform(0.5, 3))
        world.wire.refuse()
        world.sleep(world.rng.uniform(0.5, 3))
        world.wire.open()
    return nothing_lost(world.end(), again=True)


@scenario
def backend_restarts(world: World) -> Result:
    """Another one takes its place, again and again."""
    world.up()
    world.wire.open()
    world.start(seconds=20)
    for _ in range(4):
        world.sleep(world.rng.uniform(1, 4))
        world.down()
        world.sleep(world.rng.uniform(0.1, 2))
        world.up()
    return nothing_lost(world.end(), again=True)


@scenario
def backend_throttles(world: World) -> Result:
    """503 and 429 with Retry-After, over gRPC RESOURCE_EXHAUSTED and UNAVAILABLE with RetryInfo, then well again."""
    sink = world.up()
    world.wire.open()
    for _ in range(6):
        times, later = world.rng.randint(1, 3), world.rng.choice([0, 1])
        if world.protocol == "grpc":
            sink.inject(grpc_status=world.rng.choice([8, 14]), retry_delay=later, times=times)
        else:
            sink.inject(status=world.rng.choice([429, 503]), retry_after=later, times=times)
        sink.schedule([None])
    world.start(seconds=20)
    return nothing_lost(world.end(), again=False)


@scenario
def backend_takes_small_requests_only(world: World) -> Result:
    """413 for what is over 20 kB: split until it fits; of what is in a request with a span that alone does not, only that is dropped."""
    world.up(max_request_bytes=20_000)
    world.wire.open()
    large = tuple(int(number * world.scale) for number in (1_000, 1_020, 5_000))
    world.start(seconds=10, text=400, rate=1000, large=large)
    result = lost_only(world.end(), "too_large", again=False)
    assert result.dropped["too_large"] == len(large), str(result)
    assert result.arrived == result.made - len(large), str(result)
    return result


@scenario
def backend_rejects_some(world: World) -> Result:
    """Partial successes are never sent again."""
    sink = world.up()
    world.wire.open()
    sink.inject(rejected=3, times=3)
    world.start(seconds=10)
    result = lost_only(world.end(), "rejected", again=False)
    assert result.dropped["rejected"] == 9, str(result)
    return result


@scenario
def backend_refuses_some(world: World) -> Result:
    """400 is final for that request alone."""
    sink = world.up()
    world.wire.open()
    sink.inject(status=400, times=2)
    world.start(seconds=10)
    return lost_only(world.end(), "refused", again=False)


@scenario
def answers_are_lost(world: World) -> Result:
    """The backend has taken a request, and the connection ends before its answer: sent again."""
    sink = world.up()
    world.wire.open()
    for _ in range(5):
        sink.inject(disconnect=world.rng.choice(["close", "reset"]), keep=True)
        sink.schedule([None])
    world.start(seconds=15)
    return nothing_lost(world.end(), again=True)


@scenario
def backend_refuses_one_large_span(world: World) -> Result:
    """A span that alone is over its limit is dropped and counted; all others arrive."""
    world.up(max_request_bytes=8_000)
    world.wire.open()
    world.start(seconds=10, rate=100, text=60, large=(int(50 * world.scale), int(300 * world.scale)))
    result = lost_only(world.end(), "too_large", again=False)
    assert result.dropped["too_large"] == 2, str(result)
    assert result.arrived == result.made - 2, str(result)
    return result
