"""An exporter that has a folder, and in front of it no queue that lies there: it says so, once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import export as sdk_export

from spanwire._telemetry import log
from spanwire.durable import DurableQueue
from spanwire.exporter import grpc, http
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace import export as ours


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_last", {})


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "do not outlive" in record.getMessage()]


def send(provider: Any, processor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.add_span_processor(processor)
    for number in range(3):
        provider.get_tracer("tests").start_span(str(number)).end()
        assert provider.force_flush()
        monkeypatch.setattr(log, "_last", {})  # it is not the log that holds it back
    provider.shutdown()


@pytest.mark.parametrize("provider", [sdk.TracerProvider, TracerProvider])
@pytest.mark.parametrize(
    "processor",
    [sdk_export.BatchSpanProcessor, sdk_export.SimpleSpanProcessor, ours.SimpleSpanProcessor],
    ids=["batch", "simple", "ours simple"],
)
def test_whoever_has_no_durable_queue_is_told_once(
    processor: Callable[..., Any],
    provider: Callable[..., Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sink() as sink:
        exporter = http.OTLPSpanExporter(endpoint=sink.traces_endpoint, durable=tmp_path / "queue")
        send(provider(shutdown_on_exit=False), processor(exporter), monkeypatch)
        assert sink.span_count == 3
    (line,) = said(caplog)
    assert repr(str(tmp_path / "queue")) in line
    assert not (tmp_path / "queue").exists()


def test_over_grpc_and_by_the_environment_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANWIRE_DURABLE_PATH", str(tmp_path / "queue"))
    with Sink(grpc_port=0) as sink:
        exporter = grpc.OTLPSpanExporter(endpoint=sink.grpc_endpoint)
        send(sdk.TracerProvider(shutdown_on_exit=False), sdk_export.BatchSpanProcessor(exporter), monkeypatch)
    assert len(said(caplog)) == 1


@pytest.mark.parametrize("provider", [sdk.TracerProvider, TracerProvider])
def test_whoever_has_one_or_wants_none_is_not(
    provider: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sink() as sink:
        durable = DurableQueue(tmp_path / "queue", service="tests", recover=False)
        exporter = http.OTLPSpanExporter(endpoint=sink.traces_endpoint, durable=durable)
        send(provider(shutdown_on_exit=False), ours.BatchSpanProcessor(exporter), monkeypatch)
        exporter = http.OTLPSpanExporter(endpoint=sink.traces_endpoint)
        send(provider(shutdown_on_exit=False), sdk_export.BatchSpanProcessor(exporter), monkeypatch)
        assert sink.span_count == 6
    assert said(caplog) == []
