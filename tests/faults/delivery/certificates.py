"""The backend's certificates are wrong, or change."""

from datetime import timedelta
from pathlib import Path

from spanwire.sink import TLS
from tests.certificates import Authority
from tests.faults.delivery.scenario import lost_only, nothing_lost, scenario
from tests.faults.delivery.world import Result, World


def refused(world: World, tls: TLS, ca: Path, says: str) -> Result:
    world.up(tls=tls)
    world.wire.open()
    world.start(seconds=5, flush=2.0, endpoint=world.endpoint("https"), exporter={"certificate_file": str(ca)})
    result = lost_only(world.end(), "exhausted", "refused", "shutdown", "timeout", again=False)
    assert result.arrived == 0, str(result)
    assert says in result.errors, result.errors
    return result


@scenario
def certificate_is_of_another_name(world: World) -> Result:
    """Nothing is sent there."""
    mine = Authority(world.folder / "mine")
    return refused(world, mine.issue("elsewhere.test").tls(), mine.file, "TLS failed")


@scenario
def certificate_is_of_another_authority(world: World) -> Result:
    """Nothing is sent there."""
    mine, other = Authority(world.folder / "mine"), Authority(world.folder / "other")
    return refused(world, other.issue("127.0.0.1").tls(), mine.file, "certificate_file=")


@scenario
def certificate_has_expired(world: World) -> Result:
    """Nothing is sent there."""
    mine = Authority(world.folder / "mine")
    return refused(world, mine.issue("127.0.0.1", until=timedelta(days=-1)).tls(), mine.file, "expired")


@scenario
def backend_changes_its_certificate(world: World) -> Result:
    """It restarts with a new one of the same authority, while several requests are under way."""
    mine = Authority(world.folder / "mine")
    world.up(tls=mine.issue("127.0.0.1").tls())
    world.wire.open()
    ours = {"certificate_file": str(mine.file)}
    processor = {"schedule_delay_millis": 100, "max_in_flight": 4}
    world.start(seconds=15, endpoint=world.endpoint("https"), exporter=ours, processor=processor)
    world.sleep(5)
    world.down()
    world.up(tls=mine.issue("127.0.0.1").tls())
    return nothing_lost(world.end(), again=True)
