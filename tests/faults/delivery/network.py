"""The network drips, swallows, forgets, resets; names and clocks change."""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.delivery.scenario import nothing_lost, scenario
from tests.faults.delivery.tunnel import Tunnel
from tests.faults.delivery.wire import Wire
from tests.faults.delivery.world import Result, World


@scenario
def network_drips(world: World) -> Result:
    """One byte a second for a while: requests run out of time; then well again."""
    world.up()
    world.wire.open(bytes_a_second=1)
    world.start(seconds=30, exporter={"timeout": 3})
    world.sleep(15)
    world.wire.open()
    world.wire.reset()
    return nothing_lost(world.end(), again=True)


@scenario
def network_is_a_black_hole(world: World) -> Result:
    """Connections are taken and nothing gets through; then well again."""
    world.up()
    world.wire.open(is_hole=True)
    world.start(seconds=25, exporter={"timeout": 2})
    world.sleep(15)
    world.wire.open()
    return nothing_lost(world.end(), again=True)


@scenario
def network_forgets_connections(world: World) -> Result:
    """A silent NAT: what is established leads nowhere, new ones work."""
    world.up()
    world.wire.open()
    world.start(seconds=25, exporter={"timeout": 2})
    for _ in range(3):
        world.sleep(world.rng.uniform(3, 6))
        world.wire.forget()
    return nothing_lost(world.end(), again=True)


@scenario
def network_forgets_answers(world: World) -> Result:
    """Half-open: the backend goes on to get what is sent, and nothing of what it says arrives; new connections work."""
    world.up()
    world.wire.open()
    world.start(seconds=25, exporter={"timeout": 2})
    for _ in range(3):
        world.sleep(world.rng.uniform(3, 6))
        world.wire.forget_answers()
    return nothing_lost(world.end(), again=True)


@scenario
def network_is_ragged(world: World) -> Result:
    """A relay that delays, cuts what comes into pieces and ends connections, all at random."""
    world.up()
    world.wire.open(jitter=0.005, pieces=2_000, ends_within=30_000)
    world.start(seconds=25)
    world.sleep(20)
    ended = world.wire.connections
    world.wire.open(jitter=0.01, pieces=5_000)
    result = nothing_lost(world.end(), again=True)
    assert ended > 1, f"only {ended} connections"
    return result


@scenario
def network_is_slow(world: World) -> Result:
    """100 ms each way."""
    world.up()
    world.wire.open(delay=0.1)
    world.start(seconds=15, rate=2000)
    return nothing_lost(world.end(), again=False)


@scenario
def connections_are_reset_at_each_stage(world: World) -> Result:
    """When they are made, in headers and body of a request, instead of an answer, within one."""
    world.up()
    world.wire.open()
    world.start(seconds=25)
    stages: list[dict[str, int]] = [
        {"reset_after": 0},
        {"reset_after": 20},
        {"reset_after": 120},
        {"reset_after": 5_000},
        {"reset_answer_after": 0},
        {"reset_answer_after": 10},
    ]
    world.rng.shuffle(stages)
    for stage in stages:
        world.wire.open(**stage)
        world.wire.reset()
        world.sleep(2)
        world.wire.open()
        world.sleep(1)
    return nothing_lost(world.end(), again=True)


@scenario
def name_leads_elsewhere(world: World) -> Result:
    """The backend's name gets another address while the service runs, and the old one is gone."""
    enter = namespace("--mount")
    hosts = world.folder / "hosts"
    hosts.write_text("127.0.0.1 backend.spanwire.test\n")
    world.up()
    world.wire.open()
    with Wire("127.0.0.2", world.wire.port) as other:
        other.lead_to(lambda: world.sink.port)
        prefix = [*enter, "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]
        world.start(seconds=20, endpoint=world.endpoint(host="backend.spanwire.test"), prefix=prefix)
        world.sleep(7)
        other.open()
        hosts.write_text("127.0.0.2 backend.spanwire.test\n")
        world.wire.refuse()
        result = nothing_lost(world.end(), again=True)
        assert other.connections > 0
        return result


@scenario
def wall_clock_jumps(world: World) -> Result:
    """By an hour, there and back, while the backend says "later": nothing waits an hour, nothing is given up.

    No namespace has a wall clock of its own, and setting the machine's is for nobody to do: a library in front of libc tells the
    service's code, native and Python, the wrong time. That it does is seen in what the spans say.
    """
    library, wrong = world.folder / "jumping_clock.so", world.folder / "wrong"
    source = Path(__file__).with_name("jumping_clock.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    wrong.write_text("0")
    sink = world.up()
    world.wire.open()
    variables = {"LD_PRELOAD": str(library), "JUMPING_CLOCK": str(wrong)}
    # Six answers of "later" may take more than the five seconds after which shutdown ends where nothing is delivered.
    variables["SPANWIRE_SHUTDOWN_TIMEOUT"] = "30"
    world.start(seconds=20, variables=variables)
    for seconds in (3600, -3600, 0):
        sink.inject(status=503, retry_after=1, times=2)
        world.sleep(world.rng.uniform(2, 5))
        wrong.write_text(str(seconds))
    began = time.time_ns()
    result = nothing_lost(world.end(), again=False)
    hours = {round((span.start_time - began) / 3600e9) for span in sink.spans()}
    assert hours == {-1, 0, 1}, f"the clock has been wrong by {sorted(hours)} hours"
    return result


@scenario
def packets_are_late_lost_and_doubled(world: World) -> Result:
    """By a thread between two networks that there is no other way between."""
    world.up()
    tunnel = Tunnel(world.rng, late=(0.01, 0.03), lost=0.03, doubled=0.03)
    try:
        tunnel.__enter__()
    except OSError as error:
        pytest.skip(f"not applicable: no networks of its own for this user: {error}")
    with ExitStack() as held:
        held.push(tunnel.__exit__)
        wire = held.enter_context(Wire(bound=tunnel.listening))
        wire.lead_to(lambda: world.sink.port)
        wire.open()
        world.host = tunnel.backend
        world.start(seconds=20, endpoint=world.endpoint(port=wire.port), prefix=tunnel.prefix())
        result = nothing_lost(world.end(), again=True)
        assert tunnel.lost, "no packet was lost"
        assert tunnel.doubled, "no packet came twice"
        return result


@scenario
def packets_are_late_lost_and_doubled_by_netem(world: World) -> str:
    """The same by the kernel, in a network of their own."""
    enter = namespace("--net")
    spoil = "ip link set lo up && tc qdisc add dev lo root netem delay 20ms 10ms loss 3% duplicate 3%"
    if subprocess.run([*enter, "sh", "-c", spoil], capture_output=True).returncode:
        pytest.skip("not applicable: no netem in this kernel")
    again = [sys.executable, "-m", "tests.faults.delivery", "nothing goes wrong", "--protocol", world.protocol]
    again += ["--seed", str(world.seed), "--scale", str(world.scale)]
    played = subprocess.run([*enter, "sh", "-c", f'{spoil} && exec "$0" "$@"', *again], capture_output=True, text=True)
    assert played.returncode == 0, played.stdout + played.stderr
    return played.stdout.splitlines()[1].rpartition("| ")[2]


@scenario
def nothing_goes_wrong(world: World) -> Result:
    """All arrives, once."""
    world.up()
    world.wire.open()
    world.start(seconds=15, rate=2000)
    return nothing_lost(world.end(), again=False)


def namespace(*kinds: str) -> list[str]:
    """The command that enters new namespaces."""
    for command in (["unshare", *kinds], ["unshare", "--map-root-user", *kinds]):
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    pytest.skip("not applicable: no namespaces for this user")
