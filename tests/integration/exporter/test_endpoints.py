"""Several endpoints of one backend."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

import spanwire
from spanwire.exporter import grpc, json
from spanwire.exporter._common.span_exporter import NativeSpanExporter
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.integration.exporter.conftest import MakeExporter, counts, made_by
from tests.ports import free_port, refusing

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
HOUR = 3_600_000.0


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


_KINDS: dict[str, tuple[type[NativeSpanExporter], str]] = {
    "http/protobuf": (OTLPSpanExporter, "traces_endpoint"),
    "http/json": (json.OTLPSpanExporter, "traces_endpoint"),
    "grpc": (grpc.OTLPSpanExporter, "grpc_endpoint"),
}


@pytest.fixture(params=list(_KINDS))
def make_any(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """An exporter of either protocol for these sinks."""
    kind, endpoint = _KINDS[request.param]

    def with_sinks(make: Callable[..., Any]) -> Callable[..., Any]:
        return lambda sinks, **keywords: make(endpoints=[getattr(sink, endpoint) for sink in sinks], **keywords)

    yield from map(with_sinks, made_by(kind))


def test_each_gets_its_turn_over_each_protocol(spans: list[ReadableSpan], make_any: Callable[..., Any]) -> None:
    with Sink() as one, Sink() as two, Sink() as three:
        exporter = make_any([one, two, three])
        for _ in range(6):
            assert exporter.export(spans) is SUCCESS
        assert [sink.request_count for sink in (one, two, three)] == [2, 2, 2]
    assert (counts(exporter)["exported"], counts(exporter)["connections"]) == (60, 3)


@pytest.mark.parametrize("balance", ["round_robin", "failover", "least_loaded"])
def test_what_one_of_three_cannot_take_another_does_over_each_protocol(
    balance: str, spans: list[ReadableSpan], make_any: Callable[..., Any]
) -> None:
    with Sink() as gone, Sink() as two, Sink() as three:
        exporter = make_any([gone, two, three], balance=balance)
        gone.close()
        for _ in range(9):
            assert exporter.export(spans) is SUCCESS
        assert (gone.span_count, two.span_count + three.span_count) == (0, 90)
        assert (three.span_count == 0) is (balance == "failover")


def test_each_gets_its_turn(spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter) -> None:
    with Sink() as other:
        exporter = make_exporter(endpoints=[sink.traces_endpoint, other.traces_endpoint])
        for _ in range(4):
            assert exporter.export(spans) is SUCCESS
        assert (sink.request_count, other.request_count) == (2, 2)
        assert exporter._client.destination == f"{sink.traces_endpoint}, {other.traces_endpoint}"
    assert counts(exporter)["exported"] == 40


@pytest.mark.parametrize("balance", ["round_robin", "failover", "least_loaded"])
def test_while_one_is_well_nothing_waits(
    balance: str, spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter
) -> None:
    with refusing() as port:
        endpoints = [f"http://127.0.0.1:{port}/v1/traces", sink.traces_endpoint]
        exporter = make_exporter(endpoints=endpoints, balance=balance)
        for _ in range(20):
            assert exporter.export(spans) is SUCCESS
    got = counts(exporter)
    assert (sink.span_count, got["exported"], got["retries"]) == (200, 200, 0)


@pytest.mark.parametrize("balance", ["round_robin", "failover", "least_loaded"])
def test_one_that_hangs_leaves_time_to_the_next(
    balance: str, spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as hangs:  # connections are made, and nothing is read
        endpoints = [f"http://127.0.0.1:{hangs.getsockname()[1]}/v1/traces", sink.traces_endpoint]
        exporter = make_exporter(endpoints=endpoints, balance=balance, timeout=5)
        assert exporter.export(spans) is SUCCESS  # within the timeout, a deadline over all tries
    assert (sink.span_count, counts(exporter)["exported"], counts(exporter)["dropped"]) == (10, 10, {})


def test_failover_returns_to_the_first_when_it_is_well(sink: Sink, make_exporter: MakeExporter) -> None:
    with Sink() as second:
        exporter = make_exporter(endpoints=[sink.traces_endpoint, second.traces_endpoint], balance="failover")
        processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)

        def send() -> None:
            provider.get_tracer("tests").start_span("span").end()
            assert provider.force_flush()

        send()
        assert (sink.span_count, second.span_count) == (1, 0)
        sink.inject(status=503, retry_after=0, times=1)
        send()
        assert (sink.span_count, second.span_count) == (1, 1)
        send()
        assert (sink.span_count, second.span_count) == (2, 1)
        provider.shutdown()


def test_a_final_answer_is_final_for_all(spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=400, times=1)
    with Sink() as other:
        exporter = make_exporter(endpoints=[sink.traces_endpoint, other.traces_endpoint], balance="failover")
        assert exporter.export(spans) is FAILURE
        assert other.attempt_count == 0


def test_credentials_of_each_endpoint_go_to_it_alone(
    spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter
) -> None:
    with Sink() as other:
        first = sink.traces_endpoint.replace("://", "://a:b@")
        exporter = make_exporter(endpoints=[first, other.traces_endpoint])
        for _ in range(2):
            assert exporter.export(spans) is SUCCESS
        assert "authorization" in {name.lower() for name in sink.requests()[0].headers}
        assert "authorization" not in {name.lower() for name in other.requests()[0].headers}
        assert "a:b" not in exporter._client.destination


@pytest.mark.parametrize(
    "keywords",
    [
        {"endpoint": "http://a/", "endpoints": ["http://b/"]},
        {"endpoints": []},
        {"endpoints": "http://a/"},
        {"endpoints": ["http://a/", ""]},
        {"endpoints": ["http://a/", 5]},
        {"endpoints": 5},
        {"balance": "failover"},
        {"endpoints": ["http://a/"], "balance": "random"},
        {"endpoints": ["http://a/", "http://:1/"]},
    ],
)
@pytest.mark.parametrize("kind", [OTLPSpanExporter, json.OTLPSpanExporter, grpc.OTLPSpanExporter])
def test_what_cannot_work_is_refused(kind: Any, keywords: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"endpoint|balance"):
        kind(**keywords)


def test_of_several_over_grpc_each_has_tls_or_not() -> None:
    exporter = grpc.OTLPSpanExporter(endpoints=["http://a:1", "https://b", "unix:/c"])
    assert (exporter._client.destination, exporter._insecure) == ("http://a:1, https://b, unix:/c", False)
    exporter.shutdown()
    exporter = grpc.OTLPSpanExporter(endpoints=["a", "http://b:2"], insecure=True)
    assert (exporter._client.destination, exporter._insecure) == ("http://a:4317, http://b:2", True)
    exporter.shutdown()


def alerts(endpoint: str) -> bool:
    """Whether the page's rule would fire after a while, as things are now."""
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    rule = re.search(
        r'TelemetryEndpointOut.*\n +expr: max by \(.*\) \(spanwire_breaker_state\{state="(\w+)"\}\) (> 0|== 0)\n', page
    )
    assert rule
    state, holds = rule.groups()
    (value,) = re.findall(rf'endpoint="{endpoint}",state="{state}"}} (\d)\n', spanwire.prometheus_text())
    return (int(value) > 0) == (holds == "> 0")


def test_the_state_of_each_endpoint_is_told_as_it_is_when_it_is_asked_for(make_exporter: MakeExporter) -> None:
    with Sink(port=free_port()) as gone, Sink() as sink:
        exporter = make_exporter(endpoints=[gone.traces_endpoint, sink.traces_endpoint], balance="failover")
        provider = TracerProvider(shutdown_on_exit=False)
        processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
        provider.add_span_processor(processor)

        def send() -> None:
            provider.get_tracer("tests").start_span("span").end()
            assert provider.force_flush()

        def states() -> list[str]:
            account = spanwire.stats()["traces"][exporter._client.destination]
            assert account["breaker"] == "closed"
            return [account["breakers"][one.traces_endpoint] for one in (gone, sink)]

        send()
        assert states() == ["closed", "closed"]
        assert not alerts(gone.traces_endpoint)
        port = gone.port
        gone.close()
        while states() != ["open", "closed"]:
            send()
        assert alerts(gone.traces_endpoint)
        assert not alerts(sink.traces_endpoint)
        with Sink(port=port) as back:
            # Without a request: a connection has found out.
            wait_until(lambda: states() == ["half_open", "closed"])
            assert alerts(gone.traces_endpoint)
            assert back.attempt_count == 0
            send()
            assert (states(), back.span_count) == (["closed", "closed"], 1)
            provider.shutdown()
        assert counts(exporter)["dropped"] == {}
