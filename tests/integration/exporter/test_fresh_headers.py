"""Headers from a function: tokens that expire."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.events import ErrorEvent, subscribe
from spanwire.exporter import grpc, json
from spanwire.exporter._common import refresh
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.integration.exporter.conftest import MakeExporter, counts, made_by

from .programs import run

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE

_KINDS: dict[str, tuple[Any, str, dict[str, int]]] = {
    "http/protobuf": (OTLPSpanExporter, "traces_endpoint", {"status": 401}),
    "http/json": (json.OTLPSpanExporter, "traces_endpoint", {"status": 403}),
    "grpc": (grpc.OTLPSpanExporter, "grpc_endpoint", {"grpc_status": 16}),
    "grpc, permission": (grpc.OTLPSpanExporter, "grpc_endpoint", {"grpc_status": 7}),
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait for seconds."""
    monkeypatch.setattr(refresh, "_APART_SECONDS", 0.05)
    monkeypatch.setattr(refresh, "_AGAIN_SECONDS", 0.05)


@pytest.fixture(params=list(_KINDS))
def make_any(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """An exporter of either protocol for the sink, and how a server of it refuses."""
    kind, endpoint, refusal = _KINDS[request.param]

    def with_sink(make: Callable[..., Any]) -> Callable[..., Any]:
        return lambda sink, **keywords: (make(endpoint=getattr(sink, endpoint), **keywords), refusal)

    yield from map(with_sink, made_by(kind))


class Tokens:
    """A provider that gives another token at each call."""

    def __init__(self) -> None:
        self.calls = 0
        self.threads: set[int] = set()

    def __call__(self) -> dict[str, str]:
        self.calls += 1
        self.threads.add(threading.get_ident())
        return {"Authorization": f"Bearer secret-{self.calls}"}


def tokens_at(sink: Sink) -> list[str]:
    return [request.headers.get("authorization", "") for request in sink.requests()]


def test_a_token_that_rotates_while_spans_flow_loses_nothing(sink: Sink, make_any: Callable[..., Any]) -> None:
    tokens = Tokens()
    exporter, _ = make_any(sink, headers={"authorization": "never"}, headers_provider=tokens, headers_refresh=0.05)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=10))
    tracer = provider.get_tracer("tests")
    spans, end = 0, time.monotonic() + 60
    while spans < 200 or (len(set(tokens_at(sink))) <= 3 and time.monotonic() < end):
        tracer.start_span("one").end()
        spans += 1
        time.sleep(0.005)
    provider.shutdown()
    assert sink.span_count == spans
    assert len(set(tokens_at(sink))) > 3
    assert all(token.startswith("Bearer secret-") for token in tokens_at(sink))
    assert counts(exporter)["connections"] == 1  # new headers need no new ones
    assert threading.get_ident() not in tokens.threads and len(tokens.threads) == 1


def test_what_is_refused_waits_for_newer_headers(sink: Sink, make_any: Callable[..., Any]) -> None:
    tokens = Tokens()
    exporter, refusal = make_any(sink, headers_provider=tokens)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=10))
    sink.inject(times=2, **refusal)
    provider.get_tracer("tests").start_span("one").end()
    sink.wait_for(1, timeout=60)
    provider.shutdown()
    assert tokens_at(sink) == ["Bearer secret-3"]
    assert (counts(exporter)["dropped"], counts(exporter)["retries"], tokens.calls) == ({}, 2, 3)


def test_what_is_refused_with_three_newer_headers_is_dropped(
    spans: list[ReadableSpan], sink: Sink, make_any: Callable[..., Any]
) -> None:
    exporter, refusal = make_any(sink, headers_provider=Tokens())
    sink.inject(times=4, message="no secret-4", **refusal)
    assert exporter.export(spans) is FAILURE
    assert (sink.attempt_count, counts(exporter)["dropped"]) == (4, {"refused": 10})
    assert "secret" not in counts(exporter)["last_error"]
    assert exporter.export(spans) is SUCCESS


def test_spans_wait_for_a_provider_that_raises_at_first(
    sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    tokens, fails = Tokens(), threading.Event()

    def provide() -> dict[str, str]:
        if not fails.is_set():
            raise KeyError("hunter2")
        return tokens()

    exporter = make_exporter(endpoint=sink.traces_endpoint, headers_provider=provide)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=10))
    provider.get_tracer("tests").start_span("one").end()
    time.sleep(0.5)
    assert sink.attempt_count == 0
    fails.set()
    sink.wait_for(1, timeout=60)
    provider.shutdown()
    assert counts(exporter)["dropped"] == {}
    said = [record.getMessage() for record in caplog.records if "headers_provider" in record.getMessage()]
    assert said == ["headers_provider= has raised KeyError; the headers stay as they were"]


@pytest.mark.parametrize("bad", ["hunter2", {"x": "hunter2\n2"}, {"x": 7}, {7: "hunter2"}, {"host": "hunter2"}, None])
def test_what_cannot_be_sent_leaves_the_old_headers(
    bad: Any, spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    given = iter([{"authorization": "good"}])
    exporter = make_exporter(
        endpoint=sink.traces_endpoint, headers_provider=lambda: next(given, bad), headers_refresh=0.05
    )
    assert exporter.export(spans) is SUCCESS
    end = time.monotonic() + 60
    while not caplog.records and time.monotonic() < end:
        time.sleep(0.02)
    assert exporter.export(spans) is SUCCESS
    assert tokens_at(sink) == ["good", "good"]
    assert "headers_provider= gives what cannot be sent" in caplog.text and "hunter2" not in caplog.text


def test_a_provider_that_hangs_holds_back_nothing_but_what_needs_it(
    spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter
) -> None:
    goes_on, calls = threading.Event(), []

    def provide() -> dict[str, str]:
        calls.append(1)
        if len(calls) > 1:
            goes_on.wait(60)
        return {"x-call": str(len(calls))}

    exporter = make_exporter(endpoint=sink.traces_endpoint, headers_provider=provide, headers_refresh=0.05, timeout=3)
    assert exporter.export(spans) is SUCCESS
    time.sleep(0.2)
    assert exporter.export(spans) is SUCCESS
    sink.inject(status=401)
    assert exporter.export(spans) is FAILURE
    assert "headers_provider= has given no headers in time: status 401" in counts(exporter)["last_error"]
    goes_on.set()
    assert exporter.export(spans) is SUCCESS


def hanging(calls: list[int], until: threading.Event, first: int) -> Callable[[], dict[str, str]]:
    """A provider that hangs from this call on."""

    def provide() -> dict[str, str]:
        calls.append(1)
        if len(calls) >= first:
            until.wait(30)
        return {"x-call": str(len(calls))}

    return provide


@pytest.mark.parametrize(("first", "effect"), [(1, "spans wait for the headers"), (2, "the headers stay as they were")])
def test_a_provider_that_hangs_is_told_once_a_minute_and_nothing_is_lost(
    first: int,
    effect: str,
    sink: Sink,
    make_any: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(refresh, "_LATE_SECONDS", 0.2)
    goes_on, calls, heard = threading.Event(), list[int](), list[ErrorEvent]()
    subscription = subscribe(on_error=heard.append)
    exporter, _ = make_any(
        sink, headers_provider=hanging(calls, goes_on, first), headers_refresh=0.05, timeout=1 if first == 1 else 10
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=10))
    tracer = provider.get_tracer("tests")
    sent, end = 0, time.monotonic() + 20
    while not any(event.reason == "headers" for event in heard) and time.monotonic() < end:
        tracer.start_span("one").end()
        sent += 1
        time.sleep(0.02)
    event = next(event for event in heard if event.reason == "headers")
    assert effect in event.message and "has not returned for 0.2 s" in event.message
    if first == 1:
        assert sink.attempt_count == 0
    else:
        sink.wait_for(sent)
        assert {request.headers["x-call"] for request in sink.requests()} == {"1"}
    goes_on.set()
    sink.wait_for(sent)
    provider.shutdown()
    subscription.cancel()
    assert (sink.span_count, counts(exporter)["dropped"]) == (sent, {})
    said = [record.getMessage() for record in caplog.records if "has not returned" in record.getMessage()]
    assert len(said) == 1 and said[0] == f"Exports to {exporter._client.destination}: {event.message}"


def test_an_export_says_that_the_provider_hangs(
    spans: list[ReadableSpan],
    sink: Sink,
    make_exporter: MakeExporter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(refresh, "_LATE_SECONDS", 0.1)
    goes_on = threading.Event()
    exporter = make_exporter(
        endpoint=sink.traces_endpoint, headers_provider=hanging([], goes_on, 1), headers_refresh=0.05, timeout=0.5
    )
    assert exporter.export(spans) is FAILURE
    end = time.monotonic() + 20
    while "has not returned" not in caplog.text and time.monotonic() < end:
        time.sleep(0.01)
    assert "has not returned for 0.1 s; spans wait for the headers" in caplog.text
    assert "headers_provider= has given no headers in time" in counts(exporter)["last_error"]
    goes_on.set()
    assert exporter.export(spans) is SUCCESS


def test_a_shutdown_ends_the_thread(spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(endpoint=sink.traces_endpoint, headers_provider=Tokens())
    assert exporter.export(spans) is SUCCESS
    mine = [thread for thread in threading.enumerate() if thread.name == "SpanwireHeaders"]
    exporter.shutdown()
    for thread in mine:
        thread.join(60)
    assert mine and not any(thread.is_alive() for thread in mine)


def test_a_child_calls_the_provider_itself(sink: Sink) -> None:
    run(
        """
        calls = []

        def provide():
            calls.append(os.getpid())
            return {"x-pid": str(os.getpid())}

        exporter = OTLPSpanExporter(endpoint=sys.argv[1], headers_provider=provide)
        spans = make_spans(10)
        assert exporter.export(spans) is SUCCESS

        def child():
            assert exporter.export(spans) is SUCCESS  # with the parent's, or its own
            end = time.monotonic() + 40
            while calls[-1] != os.getpid() and time.monotonic() < end:
                time.sleep(0.01)
            assert exporter.export(spans) is SUCCESS
            assert calls[-1] == os.getpid()
            exporter.shutdown()

        statuses = [in_child(python_fork, child) for _ in range(5)]
        assert statuses == [0] * 5, statuses
        exporter.shutdown()
        """,
        sink.traces_endpoint,
    )
    assert sink.span_count == 110
    assert len({request.headers["x-pid"] for request in sink.requests()}) == 6


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"headers_provider": {"a": "hunter2"}}, "headers_provider= is of type dict, which cannot be called"),
        ({"headers_refresh": 5}, "headers_refresh= says how often headers_provider= is called"),
        ({"headers_provider": dict, "headers_refresh": 0}, "headers_refresh=0 is not valid"),
        ({"headers_provider": dict, "headers_refresh": float("inf")}, "headers_refresh=inf is not valid"),
    ],
)
def test_keywords_that_cannot_work_are_refused(keywords: dict[str, Any], words: str) -> None:
    for kind, _, _ in _KINDS.values():
        with pytest.raises(ValueError, match=words):
            kind(**keywords)


def test_nothing_is_logged_of_a_provider_that_works(
    spans: list[ReadableSpan], sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    exporter = make_exporter(endpoint=sink.traces_endpoint, headers_provider=Tokens())
    assert exporter.export(spans) is SUCCESS
    assert caplog.records == []
