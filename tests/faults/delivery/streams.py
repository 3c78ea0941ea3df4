"""What a backend of HTTP/2 can do to requests besides; over HTTP/1.1, which has no streams, it closes connections instead."""

from typing import Any

from spanwire.sink import Disconnect, Fault, Sink, Stage
from tests.faults.delivery.scenario import nothing_lost, scenario
from tests.faults.delivery.world import Result, World

SMALL = {"schedule_delay_millis": 100, "max_export_batch_size": 20}  # so that there are requests enough
STAGES: list[Stage] = ["headers", "body", "answer"]
LATER = [0x2, 0x7, 0x8, 0xB]  # codes of HTTP/2: INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM


def faulty(world: World, count: int, kinds: list[Disconnect], **fault: Any) -> Result:
    """So many requests meet one of these, each at a stage of its own, with one between two that goes well."""
    sink = world.up()
    world.wire.open()
    for _ in range(count):
        kind = world.rng.choice(kinds)
        stage = world.rng.choice(STAGES)
        code = None
        if kind in ("goaway", "goaway-after", "reset-stream"):
            code = world.rng.choice([0, *LATER])
        sink.schedule([Fault(disconnect=kind, stage=stage, error_code=code, **fault), None])
    return all_met(world, sink)


def all_met(world: World, sink: Sink) -> Result:
    world.start(seconds=25, exporter={"timeout": 2}, processor=SMALL)
    result = nothing_lost(world.end(), again=True)
    assert sink.pending_faults == 0, f"{sink.pending_faults} requests have met nothing"
    return result


@scenario
def backend_says_goaway(world: World) -> Result:
    """As servers do that end, or are told to move their clients: the request is not taken, or is the last one."""
    return faulty(world, 8, ["goaway", "goaway-after"])


@scenario
def backend_resets_streams(world: World) -> Result:
    """RST_STREAM ends one request; the connection goes on."""
    return faulty(world, 8, ["reset-stream"])


@scenario
def backend_closes_half(world: World) -> Result:
    """It ends its direction and reads on, or cuts the answer."""
    return faulty(world, 6, ["half-close", "truncate"])


@scenario
def backend_freezes(world: World) -> Result:
    """A connection that is open, where nothing is read or written any more, not even pings."""
    return faulty(world, 3, ["freeze"])


@scenario
def backend_stalls_a_window(world: World) -> Result:
    """A request's body is never read."""
    sink = world.up()
    world.wire.open()
    for _ in range(3):
        sink.schedule([Fault(disconnect="stall"), None])
    return all_met(world, sink)


@scenario
def windows_stay_shut(world: World) -> Result:
    """A backend that lets no request's body come, over gRPC; then another one in its place."""
    if world.protocol == "grpc":
        world.up(stream_window=0)
    else:
        world.up().inject(disconnect="stall", times=None)
    world.wire.open()
    world.start(seconds=25, exporter={"timeout": 2})
    world.sleep(10)
    world.down()
    world.up()
    return nothing_lost(world.end(), again=False)
