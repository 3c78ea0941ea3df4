"""The backend's certificates are wrong, or change."""

import datetime as dt
from pathlib import Path

import trustme

from spanwire.sink import TLS
from tests.faults.delivery.scenario import lost_only, nothing_lost, scenario
from tests.faults.delivery.world import Result, World


class Authority:
    """A CA, and what it issues, in files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def issue(self, name: str, *, expired: bool = False) -> TLS:
        after = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1) if expired else None
        issued = self._ca.issue_cert(name, not_after=after)
        key, certificate = self._folder / f"{name}.key", self._folder / f"{name}.pem"
        issued.private_key_pem.write_to_path(str(key))
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        return TLS(certificate, key)


def refused(world: World, tls: TLS, ca: str, says: str) -> Result:
    world.up(tls=tls)
    world.wire.open()
    world.start(seconds=5, endpoint=world.endpoint("https"), exporter={"certificate_file": ca})
    result = lost_only(world.end(), "refused", "shutdown", again=False)
    assert result.arrived == 0, str(result)
    assert says in result.errors, result.errors
    return result


@scenario
def certificate_is_of_another_name(world: World) -> Result:
    """Nothing is sent there."""
    mine = Authority(world.folder / "mine")
    return refused(world, mine.issue("elsewhere.test"), mine.file, "TLS failed")


@scenario
def certificate_is_of_another_authority(world: World) -> Result:
    """Nothing is sent there."""
    mine, other = Authority(world.folder / "mine"), Authority(world.folder / "other")
    return refused(world, other.issue("127.0.0.1"), mine.file, "certificate_file=")


@scenario
def certificate_has_expired(world: World) -> Result:
    """Nothing is sent there."""
    mine = Authority(world.folder / "mine")
    return refused(world, mine.issue("127.0.0.1", expired=True), mine.file, "expired")


@scenario
def backend_changes_its_certificate(world: World) -> Result:
    """It restarts with a new one of the same authority."""
    mine = Authority(world.folder / "mine")
    world.up(tls=mine.issue("127.0.0.1"))
    world.wire.open()
    world.start(seconds=15, endpoint=world.endpoint("https"), exporter={"certificate_file": mine.file})
    world.sleep(5)
    world.down()
    world.up(tls=mine.issue("127.0.0.1"))
    return nothing_lost(world.end(), again=True)
