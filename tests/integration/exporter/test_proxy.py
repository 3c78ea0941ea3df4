"""Through HTTP proxies: what arrives, what the proxy sees, and what one that is broken costs. The official exporters do likewise."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OfficialGrpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialHttp
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

import spanwire
from spanwire.exporter.grpc import OTLPSpanExporter as Grpc
from spanwire.exporter.http import OTLPSpanExporter as Http
from spanwire.exporter.json import OTLPSpanExporter as Json
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.certificates import Authority
from tests.official import official_bytes, parse
from tests.ports import refusing
from tests.proxy import HttpProxy

from .conftest import counts, made_by

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
KINDS = {"http/protobuf": Http, "http/json": Json, "grpc": Grpc}
VARIABLES = {"grpc": "grpc_proxy"}
USER = "me:hunter2%21"

protocols = pytest.mark.parametrize("protocol", KINDS)


@pytest.fixture
def make(protocol: str) -> Iterator[Callable[..., Any]]:
    yield from made_by(KINDS[protocol])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def endpoint_of(sink: Sink, protocol: str) -> str:
    return sink.grpc_endpoint if protocol == "grpc" else sink.traces_endpoint


def variable(protocol: str, endpoint: str) -> str:
    return VARIABLES.get(protocol, f"{endpoint.partition(':')[0]}_proxy")


@protocols
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_what_arrives_through_a_proxy_is_what_was_sent(
    protocol: str,
    is_tls: bool,
    spans: Spans,
    make: Callable[..., Any],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sink(tls=authority.server().tls() if is_tls else None) as sink, HttpProxy(user="me:hunter2!") as proxy:
        endpoint = endpoint_of(sink, protocol)
        monkeypatch.setenv(variable(protocol, endpoint), proxy.url.replace("me:hunter2!", USER))
        exporter = make(endpoint, certificate_file=str(authority.file), headers={"x-tenant": "shop"})
        assert [exporter.export(spans) for _ in range(3)] == [SUCCESS] * 3
        assert [parse(request.body) for request in sink.requests()] == [parse(official_bytes(spans))] * 3
        heads = [request.headers for request in sink.requests()]
    assert all("proxy-authorization" not in head and head["x-tenant"] == "shop" for head in heads)
    is_tunnel = is_tls or protocol == "grpc"
    if is_tunnel:
        where = endpoint.partition("://")[2].partition("/")[0]
        assert [(one.method, one.target) for one in proxy.asked] == [("CONNECT", where)]
        assert "x-tenant" not in proxy.asked[0].headers
    else:
        assert [(one.method, one.target) for one in proxy.asked] == [("POST", endpoint)] * 3
        assert all(head["via"] == "1.1 tests" for head in heads)
    assert counts(exporter)["exported"] == 30
    assert "hunter2" not in repr(spanwire.stats()) + repr(exporter)


@protocols
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_the_official_exporter_takes_the_same_way(
    protocol: str, is_tls: bool, spans: Spans, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sink(tls=authority.server().tls() if is_tls else None) as sink, HttpProxy(user="me:hunter2!") as proxy:
        endpoint = endpoint_of(sink, protocol)
        monkeypatch.setenv(variable(protocol, endpoint), proxy.url.replace("me:hunter2!", USER))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(authority.file))
        official: Any = OfficialGrpc(endpoint=endpoint) if protocol == "grpc" else OfficialHttp(endpoint=endpoint)
        assert official.export(spans) is SUCCESS
        official.shutdown()
        ways = [(one.method, one.target, one.headers.get("proxy-authorization")) for one in proxy.asked]
        proxy.asked.clear()
        exporter: Any = KINDS[protocol](endpoint=endpoint)
        assert exporter.export(spans) is SUCCESS
        exporter.shutdown()
        assert sink.span_count == 20
    assert [(one.method, one.target, one.headers.get("proxy-authorization")) for one in proxy.asked] == ways


@protocols
def test_an_excepted_host_is_reached_directly(
    protocol: str, spans: Spans, sink: Sink, make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpProxy() as proxy:
        endpoint = endpoint_of(sink, protocol)
        monkeypatch.setenv(variable(protocol, endpoint), proxy.url)
        monkeypatch.setenv("no_proxy", "example.com, 127.0.0.0/8")
        assert make(endpoint).export(spans) is SUCCESS
    assert (sink.span_count, proxy.connections) == (10, 0)


@protocols
def test_a_proxy_that_speaks_tls_itself(
    protocol: str, spans: Spans, make: Callable[..., Any], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = authority.server()
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(shown.certificate, shown.key)
    with Sink(tls=authority.server().tls()) as sink, HttpProxy(user="me:x", tls=own) as proxy:
        endpoint = endpoint_of(sink, protocol)
        monkeypatch.setenv(variable(protocol, endpoint), proxy.url)
        exporter = make(endpoint, certificate_file=str(authority.file))
        assert [exporter.export(spans) for _ in range(2)] == [SUCCESS] * 2
        assert (sink.span_count, [one.method for one in proxy.asked]) == (20, ["CONNECT"])


def hang(connection: socket.socket) -> bool:
    connection.settimeout(60)
    while connection.recv(65_536):  # until who waits has given up
        pass
    return True


def shell(connection: socket.socket) -> bool:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    connection.recv(65_536)
    return True


def hang_up(connection: socket.socket) -> bool:
    connection.recv(65_536)
    return True


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize(
    "faults, said",
    [
        ({"user": "me:hunter2!"}, "it does not take the user and password of its URL (407 "),
        ({"status": "403 Forbidden"}, "it refuses the way to "),
        ({"status": "502 Bad Gateway"}, "it does not reach "),
        ({"fault": shell}, "what answers there is no HTTP proxy"),
        ({"fault": hang}, "it did not answer within the timeout"),
        ({"fault": hang_up}, "it closed the connection before it answered"),
    ],
    ids=["407", "403", "502", "no-proxy", "silent", "hang-up"],
)
def test_a_proxy_that_is_of_no_use_is_named(
    protocol: str,
    faults: dict[str, Any],
    said: str,
    spans: Spans,
    make: Callable[..., Any],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Sink(tls=authority.server().tls()) as sink, HttpProxy(**faults) as proxy:
        endpoint = endpoint_of(sink, protocol)
        monkeypatch.setenv(variable(protocol, endpoint), f"http://me:pa55word@127.0.0.1:{proxy.port}")
        exporter = make(endpoint, certificate_file=str(authority.file), timeout=2)
        assert exporter.export(spans) is FAILURE
        assert sink.attempt_count == 0
    text = counts(exporter)["last_error"] + caplog.text
    assert f"no way through the proxy {proxy.name}: {said}" in text
    assert "pa55word" not in text


@protocols
def test_a_proxy_that_is_not_there_is_named(
    protocol: str, spans: Spans, sink: Sink, make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = endpoint_of(sink, protocol)
    with refusing() as port:
        monkeypatch.setenv(variable(protocol, endpoint), f"http://127.0.0.1:{port}")
        exporter = make(endpoint, timeout=2)
        assert exporter.export(spans) is FAILURE
    assert f"no way through the proxy http://127.0.0.1:{port}: cannot connect to " in counts(exporter)["last_error"]


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize(
    "shown, said",
    [("me:pa55word@", "it does not take the user and password of its URL (407"), ("", "it wants credentials (407")],
)
def test_over_plain_http_too_a_proxy_that_wants_credentials_is_named(
    protocol: str,
    shown: str,
    said: str,
    spans: Spans,
    sink: Sink,
    make: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HttpProxy(user="me:other") as proxy:
        monkeypatch.setenv("http_proxy", f"http://{shown}127.0.0.1:{proxy.port}")
        exporter = make(sink.traces_endpoint)
        assert exporter.export(spans) is FAILURE
    assert counts(exporter)["last_error"].startswith(f"no way through the proxy {proxy.name}: {said}")
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_over_plain_http_too_spans_wait_for_the_credentials(
    protocol: str, sink: Sink, make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpProxy(user="me:other") as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:pa55word@127.0.0.1:{proxy.port}")
        exporter = make(sink.traces_endpoint)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=20))
        provider.get_tracer("tests").start_span("one").end()
        end = time.monotonic() + 60
        while not proxy.asked:
            assert time.monotonic() < end
            time.sleep(0.01)
        proxy.wanted = ""
        sink.wait_for(1, timeout=60)
        provider.shutdown()
    assert (counts(exporter)["exported"], counts(exporter)["dropped"]) == (1, {})


@protocols
def test_while_a_proxy_refuses_nothing_is_lost(
    protocol: str, make: Callable[..., Any], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sink(tls=authority.server().tls()) as sink, HttpProxy(status="403 Forbidden") as proxy:
        endpoint = endpoint_of(sink, protocol)
        monkeypatch.setenv(variable(protocol, endpoint), proxy.url)
        exporter = make(endpoint, certificate_file=str(authority.file))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=20))
        tracer = provider.get_tracer("tests")
        for number in range(50):
            tracer.start_span(str(number)).end()
        end = time.monotonic() + 60
        while not proxy.asked:
            assert time.monotonic() < end
            time.sleep(0.01)
        proxy.status = ""
        sink.wait_for(50, timeout=60)
        provider.shutdown()
    assert (counts(exporter)["exported"], counts(exporter)["dropped"]) == (50, {})
