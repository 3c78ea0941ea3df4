"""Certificates and Collectors for the tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.integration.collector.peer import Certificates, Collector, Security

Start = Callable[[Security], Collector]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    server, client = ca.issue_cert("localhost"), ca.issue_cert("exporter@example.org")
    made = Certificates(
        ca=folder / "ca.pem",
        server_certificate=folder / "server.pem",
        server_key=folder / "server.key",
        client_certificate=folder / "client.pem",
        client_key=folder / "client.key",
    )
    ca.cert_pem.write_to_path(made.ca)
    for identity, certificate, key in (
        (server, made.server_certificate, made.server_key),
        (client, made.client_certificate, made.client_key),
    ):
        identity.cert_chain_pems[0].write_to_path(certificate)
        identity.private_key_pem.write_to_path(key)
    return made


@pytest.fixture
def start_collector(tmp_path: Path, certificates: Certificates) -> Iterator[Start]:
    """Starts a Collector whose receiver is plain, behind TLS, or asks for a client certificate."""
    with ExitStack() as running:
        yield lambda security: running.enter_context(Collector(tmp_path, security, certificates))
