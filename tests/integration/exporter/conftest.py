"""Finished spans, exporters that are shut down, and the sum that must hold after every test."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spanwire
from spanwire._telemetry import log
from spanwire.exporter._common import span_exporter
from spanwire.exporter._common.span_exporter import NativeSpanExporter
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from tests.books import since

MakeExporter = Callable[..., OTLPSpanExporter]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(log, "_last", {})
    # What a shutdown cuts off is counted a moment later, on a busy machine a longer one.
    monkeypatch.setattr(span_exporter, "_CUT_OFF_SECONDS", 30.0)


@pytest.fixture(autouse=True)
def accounts_balance() -> Iterator[None]:
    """Whatever a test did: nothing is lost silently, and nothing is left under way."""
    yield
    for destination, counts in spanwire.stats()["traces"].items():
        assert counts["queued"] == 0, destination
        assert counts["accepted"] == counts["exported"] + sum(counts["dropped"].values()), destination


@pytest.fixture(scope="session")
def spans() -> list[ReadableSpan]:
    """Ten finished spans, ended and unchanging."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")
    for number in range(10):
        with tracer.start_as_current_span(f"span {number}") as span:
            span.set_attribute("number", number)
    return list(memory.get_finished_spans())


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def make_exporter() -> Iterator[MakeExporter]:
    """Makes exporters that are shut down after the test."""
    yield from made_by(OTLPSpanExporter)


def made_by(kind: type[NativeSpanExporter]) -> Iterator[Callable[..., Any]]:
    """Of any of our classes."""
    made: list[NativeSpanExporter] = []

    def make(endpoint: str | None = None, **keywords: Any) -> NativeSpanExporter:
        exporter = kind(endpoint=endpoint, **keywords)  # type: ignore[call-arg]  # the base class has no constructor
        _before[exporter] = _account(exporter)
        made.append(exporter)
        return exporter

    yield make
    for exporter in made:
        if not exporter._shutdown:
            exporter.shutdown(timeout_millis=5_000)


_before: "WeakKeyDictionary[NativeSpanExporter, dict[str, Any]]" = WeakKeyDictionary()


def _account(exporter: NativeSpanExporter) -> dict[str, Any]:
    found: dict[str, Any] = spanwire.stats()["traces"].get(exporter._client.destination, {})
    return found


def counts(exporter: NativeSpanExporter) -> dict[str, Any]:
    """The exporter's destination in ``spanwire.stats()``, since the exporter was made."""
    return since(_before.get(exporter, {}), _account(exporter))
