"""Through a proxy: each step asks by the way that the exporter takes."""

import socket
import ssl
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.certificates import Authority
from tests.ports import refusing
from tests.proxy import HttpProxy

from .conftest import Doctor


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def test_plain_http_is_passed_on(run: Doctor) -> None:
    with Sink() as sink, HttpProxy(user="bob:hunter2!") as proxy:
        found = run("--endpoint", sink.http_endpoint, http_proxy=proxy.url)
        assert sink.span_count == 1
        assert {one.target.partition("/v1")[0] for one in proxy.asked} == {sink.http_endpoint}
    assert found.status == 0, found.text
    assert found.codes("proxy") == {"forwards"}
    assert found.step("configuration")["details"]["proxy"] == {
        "url": proxy.name,
        "from": "http_proxy",
        "credentials": True,
        "tunnel": False,
    }
    assert "hunter2" not in found.text


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
def test_a_way_is_opened_for_tls(protocol: str, run: Doctor, authority: Authority) -> None:
    with Sink(tls=authority.server().tls()) as sink, HttpProxy(user="bob:hunter2!") as proxy:
        found = run(
            "--endpoint",
            sink.grpc_endpoint if protocol == "grpc" else sink.http_endpoint,
            "--protocol",
            protocol,
            https_proxy=proxy.url,
            OTEL_EXPORTER_OTLP_CERTIFICATE=str(authority.file),
        )
        assert sink.span_count == 1
    assert found.status == 0, found.text
    assert found.codes("proxy") == {"open"}
    assert {"trusted", "certificate"} <= found.codes("tls")  # read through the proxy
    assert {one.method for one in proxy.asked} == {"CONNECT"}
    assert "hunter2" not in found.text
    assert f"127.0.0.1:{proxy.port}" in found.step("tcp")["findings"][0]["text"]


def test_plain_grpc_has_a_way_too(run: Doctor) -> None:
    with Sink() as sink, HttpProxy() as proxy:
        found = run("--endpoint", sink.grpc_endpoint, "--protocol", "grpc", grpc_proxy=proxy.url)
        assert sink.span_count == 1
    assert found.status == 0, found.text
    assert found.codes("proxy") == {"open"}


def test_a_proxy_behind_tls(run: Doctor, authority: Authority) -> None:
    shown = authority.server()
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(shown.certificate, shown.key)
    with Sink(tls=authority.server().tls()) as sink, HttpProxy(tls=own) as proxy:
        found = run(
            *("--endpoint", sink.http_endpoint),
            HTTPS_PROXY=proxy.url,
            OTEL_EXPORTER_OTLP_CERTIFICATE=str(authority.file),
        )
        assert sink.span_count == 1
    assert (found.status, found.codes("proxy"), found.codes("tls")) == (0, {"open"}, {"trusted"}), found.text


def refuse(connection: socket.socket) -> bool:
    connection.recv(65_536)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    return True


@pytest.mark.parametrize(
    "proxy, code",
    [
        (HttpProxy(user="bob:other"), "credentials"),
        (HttpProxy(status="403 Forbidden"), "refused"),
        (HttpProxy(status="502 Bad Gateway"), "no_way"),
        (HttpProxy(fault=refuse), "no_proxy"),
    ],
    ids=["407", "403", "502", "no-proxy"],
)
def test_a_proxy_that_is_of_no_use(proxy: HttpProxy, code: str, run: Doctor) -> None:
    with proxy:
        found = run(
            *("--endpoint", "https://collector.invalid:4318", "--timeout", "1"),
            HTTPS_PROXY=f"http://bob:hunter2@127.0.0.1:{proxy.port}",
        )
    assert (found.status, found.codes("proxy")) == (1, {code}), found.text
    outcomes = found.outcomes()
    assert [outcomes[step] for step in ("dns", "tcp", "tls", "http", "span")] == ["ok", "ok", *["skipped"] * 3]
    assert "hunter2" not in found.text


def test_a_proxy_that_is_not_there(run: Doctor) -> None:
    with refusing() as port:
        found = run("--endpoint", "http://collector.invalid", http_proxy=f"http://127.0.0.1:{port}")
    assert (found.status, found.codes("tcp"), found.outcomes()["proxy"]) == (1, {"refused"}, "skipped")
    assert "http_proxy names" in found.step("tcp")["findings"][0]["cure"]


def test_a_proxy_that_cannot_be_used(run: Doctor) -> None:
    found = run("--endpoint", "http://collector.invalid", http_proxy="socks5://bob:hunter2@127.0.0.1:1080")
    assert (found.status, found.codes("configuration")) == (1, {"exporter"})
    assert "SOCKS is not spoken here" in found.text
    assert "hunter2" not in found.text
