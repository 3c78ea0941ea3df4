"""gRPC over TLS, on the port that HTTP has too and on one of its own, with and without clients' certificates."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from spanwire.sink import Sink
from tests.certificates import MISTAKES, Authority, Identity
from tests.grpc_calls import call, connect, error, exchange, framed
from tests.post import post, request


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def secure(sink: Sink, authority: Authority, shown: Identity | None = None) -> Iterator[Any]:
    credentials = grpc.ssl_channel_credentials(
        authority.file.read_bytes(),
        None if shown is None else shown.key.read_bytes(),
        None if shown is None else shown.certificate.read_bytes(),
    )
    channel = grpc.secure_channel(
        f"localhost:{sink.grpc_port}", credentials, [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    )
    try:
        yield channel
    finally:
        channel.close()


@pytest.mark.parametrize("grpc_port", [None, 0])
def test_alpn_decides_on_the_shared_port(authority: Authority, grpc_port: int | None) -> None:
    with Sink("localhost", grpc_port=grpc_port, tls=authority.server().tls()) as sink:
        assert sink.grpc_endpoint == f"https://localhost:{sink.grpc_port}"
        with secure(sink, authority) as to:
            call(to, request(2))
        assert post(sink, tls=authority.trusting()).status == 200
    assert [received.protocol for received in sink.requests()] == ["grpc", "http/protobuf"]


def test_own_port_speaks_no_http(authority: Authority) -> None:
    with Sink(grpc_port=0, tls=authority.server().tls()) as sink:
        context = authority.trusting()
        context.set_alpn_protocols(["http/1.1"])
        with pytest.raises(ssl.SSLError):
            connect(sink, context)
        context.set_alpn_protocols(["h2"])
        assert exchange(sink, framed(request()), on=connect(sink, context)).status == 0


def test_client_must_show_a_certificate_where_a_client_ca_is_given(authority: Authority, tmp_path: Path) -> None:
    clients = Authority(tmp_path / "clients")
    with Sink(tls=authority.server().tls(clients)) as sink:
        with secure(sink, authority, clients.client()) as to:
            call(to, request(2))
        for shown in (None, authority.client()):
            with secure(sink, authority, shown) as to:
                assert error(to, request(), timeout=1)[0] in (
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                )
    assert (sink.attempt_count, sink.span_count) == (1, 2)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_certificate_that_no_client_may_trust_is_refused_by_clients(authority: Authority, mistake: str) -> None:
    issue, says = MISTAKES[mistake]
    with Sink("localhost", tls=issue(authority).tls()) as sink:
        with pytest.raises(ssl.SSLCertVerificationError, match=says):
            post(sink, tls=authority.trusting())
        with secure(sink, authority) as to:
            assert error(to, request(), timeout=1)[0] in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            )
    assert sink.attempt_count == 0


@pytest.mark.parametrize("kind", ["goaway", "close", "reset-stream"])
def test_faults_are_met_behind_tls_too(authority: Authority, kind: Any) -> None:
    with Sink(tls=authority.server().tls()) as sink:
        sink.inject(disconnect=kind, error_code=11)
        context = authority.trusting()
        context.set_alpn_protocols(["h2"])
        got = exchange(sink, framed(request()), on=connect(sink, context))
    assert got.closed == ("" if kind == "reset-stream" else "fin")
    assert got.reset == (11 if kind == "reset-stream" else None)
    assert got.goaways == ([(0, 11)] if kind == "goaway" else [])


def test_connection_may_end_before_the_handshake(authority: Authority) -> None:
    with Sink(tls=authority.server().tls()) as sink:
        sink.inject(disconnect="reset", stage="connect")
        with pytest.raises(OSError):
            connect(sink, authority.trusting())
        assert post(sink, tls=authority.trusting()).status == 200
