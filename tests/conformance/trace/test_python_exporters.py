"""Exporters that are written in Python are given by ours what they are given by the SDK: the same spans, in the same order."""

import io
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import opentelemetry.sdk.trace as sdk
import opentelemetry.sdk.trace.export as sdk_export
import opentelemetry.sdk.trace.export.in_memory_span_exporter as sdk_memory
import pytest
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

import spanwire.trace
import spanwire.trace.export
import spanwire.trace.export.in_memory_span_exporter
from spanwire.sink import Sink
from tests.conformance.trace.sides import IS_NEWEST, RESOURCE, Ids, described

HOUR = 3_600_000.0
REMOTE = SpanContext(0xA1, 0xB2, True, TraceFlags(3), TraceState([("vendor", "value"), ("other", "x=y")]))
UNSAMPLED_PARENT = SpanContext(0xA2, 0xB3, True, TraceFlags(0))
LOCAL = SpanContext(0xA3, 0xB4, False, TraceFlags(1))

only_newest = pytest.mark.skipif(not IS_NEWEST, reason="not applicable: an older SDK differs from the newest itself")


@dataclass(frozen=True)
class Side:
    """Where a program finds what it calls."""

    trace: ModuleType
    export: ModuleType
    memory: ModuleType


THEIRS = Side(sdk, sdk_export, sdk_memory)
OURS = Side(spanwire.trace, spanwire.trace.export, spanwire.trace.export.in_memory_span_exporter)
PROCESSORS = pytest.mark.parametrize("kind", ["BatchSpanProcessor", "SimpleSpanProcessor"])


class Counting(IdGenerator):
    """1, 2, 3 …"""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def generate_span_id(self) -> int:
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        return next(self._numbers)

    def is_trace_id_random(self) -> bool:
        return False


class WithState(Sampler):
    """Gives each span a trace state of its own; every third is not sampled but recorded."""

    def __init__(self) -> None:
        self._asked = 0

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        self._asked += 1
        decision = Decision.RECORD_ONLY if self._asked % 3 == 0 else Decision.RECORD_AND_SAMPLE
        return SamplingResult(decision, {"sampler": "asked"}, TraceState([("asked", str(self._asked))]))

    def get_description(self) -> str:
        return "WithState"


class Redact(SpanProcessor):
    """Changes every other span before it goes on."""

    def on_end(self, span: Any) -> None:
        if len(span.name) % 2:
            span._name = "redacted"
            span._attributes = {"kept": True}
            span._tenant = "t1"


def program(provider: Any) -> None:
    """Spans with all that spans have, ids and times given."""
    tracer = provider.get_tracer("web", "1.0", "https://schema", {"scope": "attribute"})
    other = provider.get_tracer("database")
    times = itertools.count(1_700_000_000_000_000_000, 1_000_000)
    for parent in (REMOTE, UNSAMPLED_PARENT, LOCAL, None):
        context = set_span_in_context(NonRecordingSpan(parent)) if parent else None
        links = [Link(REMOTE, {"linked": (1, 2)}), Link(LOCAL)]
        attributes = {"text": "ä" * 40, "list": [1.5, 2.5], "bytes": b"\x00\xff", "none": None, "map": {"a": [True]}}
        span = tracer.start_span("outer", context, SpanKind.SERVER, attributes, links, next(times))
        span.add_event("event", {"n": 1}, next(times))
        for number in range(12):
            span.set_attribute(f"number {number}", number)
        within = set_span_in_context(span)
        inner = other.start_span("child", within, SpanKind.CLIENT, start_time=next(times))
        inner.set_status(Status(StatusCode.ERROR, ""))
        inner.end(next(times))
        odd = other.start_span("odd name", within, start_time=next(times))
        odd.set_status(StatusCode.ERROR, "failed")
        odd.end(next(times))
        span.set_status(StatusCode.OK)
        span.end(next(times))


def ran(side: Side, exporter: SpanExporter, kind: str = "BatchSpanProcessor", **options: Any) -> SpanExporter:
    """The exporter, after the program ran in front of it."""
    processors = options.pop("processors", [])
    options = {"id_generator": Counting(), "resource": RESOURCE, "shutdown_on_exit": False} | options
    provider = side.trace.TracerProvider(**options)
    for processor in processors:
        provider.add_span_processor(processor())
    provider.add_span_processor(getattr(side.export, kind)(exporter))
    program(provider)
    provider.shutdown()
    return exporter


SETUPS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": dict,
    "parent based": lambda: {"sampler": ParentBased(ALWAYS_ON)},
    "states by a sampler": lambda: {"sampler": WithState()},
    "tight limits": lambda: {
        "span_limits": SpanLimits(
            max_span_attributes=3, max_events=1, max_links=1, max_link_attributes=0, max_span_attribute_length=5
        )
    },
    "redacted": lambda: {"processors": [Redact]},
    "redacted, states by a sampler": lambda: {"processors": [Redact], "sampler": WithState()},
}


def full(span: ReadableSpan, ids: Ids) -> dict[str, Any]:
    return described(span, ids) | {
        "exact": (span.start_time, span.end_time, span.parent, span.context),
        "private": (getattr(span, "_tenant", None), span._name, len(span._events), len(span._links)),
    }


@only_newest
@PROCESSORS
@pytest.mark.parametrize("setup", SETUPS)
def test_the_in_memory_exporter_has_the_same_spans(setup: str, kind: str) -> None:
    def spans(side: Side) -> list[dict[str, Any]]:
        exporter: Any = ran(side, side.memory.InMemorySpanExporter(), kind, **SETUPS[setup]())
        return [full(span, Ids()) for span in exporter.get_finished_spans()]

    expected = spans(THEIRS)
    assert len(expected) >= 6
    assert spans(OURS) == expected


def jsonable(provider: Any) -> None:
    """As the program, without what the SDK cannot write as JSON."""
    tracer = provider.get_tracer("web")
    context = set_span_in_context(NonRecordingSpan(REMOTE))
    for number in range(3):
        span = tracer.start_span("name", context, SpanKind.SERVER, {"n": number}, [Link(LOCAL, {"a": "b"})], 10**18)
        span.add_event("event", {"list": ["a", "b"]}, 10**18 + 1)
        span.set_status(StatusCode.ERROR, "" if number == 1 else "failed")
        span.end(10**18 + 2)


@only_newest
@PROCESSORS
def test_the_console_exporter_writes_the_same_text(kind: str) -> None:
    def text(side: Side, formatter: Any = None) -> str:
        out = io.StringIO()
        more = {} if formatter is None else {"formatter": formatter}
        exporter = side.export.ConsoleSpanExporter("service", out, **more)
        provider = side.trace.TracerProvider(id_generator=Counting(), resource=RESOURCE, shutdown_on_exit=False)
        provider.add_span_processor(getattr(side.export, kind)(exporter))
        jsonable(provider)
        provider.shutdown()
        return out.getvalue()

    assert text(OURS) == text(THEIRS)
    assert text(OURS).count('"name": "name"') == 3
    short = text(OURS, lambda span: f"{span.name} {span.attributes['n']}\n")
    assert short == "name 0\nname 1\nname 2\n"


@only_newest
@PROCESSORS
@pytest.mark.parametrize("setup", SETUPS)
def test_the_official_exporter_sends_the_same_bytes(setup: str, kind: str) -> None:
    def bodies(side: Side) -> list[bytes]:
        with Sink() as sink:
            ran(side, OfficialExporter(sink.traces_endpoint), kind, **SETUPS[setup]())
            return [request.body for request in sink.requests()]

    expected = bodies(THEIRS)
    assert expected
    assert bodies(OURS) == expected


class Scripted(SpanExporter):
    """Answers as it is told, and keeps what it is given."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.batches: list[list[str]] = []
        self.suppressed: list[object] = []
        self.shutdowns: list[float | None] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.batches.append([span.name for span in spans])
        self.suppressed.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
        answer = self.answers.pop(0) if self.answers else SpanExportResult.SUCCESS
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def shutdown(self) -> None:
        self.shutdowns.append(None)


class Timed(Scripted):
    def shutdown(self, timeout_millis: float = 30_000) -> None:
        self.shutdowns.append(timeout_millis)


@PROCESSORS
def test_instrumentation_is_suppressed_while_an_exporter_works(kind: str) -> None:
    exporter = Scripted()
    ran(OURS, exporter, kind)
    assert exporter.suppressed
    assert all(exporter.suppressed)
    assert not get_value(_SUPPRESS_INSTRUMENTATION_KEY)


@only_newest
@PROCESSORS
def test_what_an_exporter_raises_is_logged_as_by_the_sdk_and_the_next_batch_comes(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    def seen(side: Side) -> list[Any]:
        caplog.clear()
        for logger in ("opentelemetry.sdk._shared_internal", "opentelemetry.sdk.trace.export"):
            for each in logging.getLogger(logger).filters:
                each.__dict__.pop("last_log", None)  # the SDK's own filter leaves out what it has just let pass
        exporter = Scripted(ValueError("on purpose"), SpanExportResult.SUCCESS)
        provider = side.trace.TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(getattr(side.export, kind)(exporter))
        for name in ("first", "second"):
            provider.get_tracer("tests").start_span(name).end()
            provider.force_flush()
        provider.shutdown()
        logged = [
            (record.name, record.levelname, record.getMessage(), str(record.exc_info and record.exc_info[1]))
            for record in caplog.records
            if record.name != "spanwire"
        ]
        return [exporter.batches, logged]

    expected = seen(THEIRS)
    assert [text for *_, text in expected[1]] == ["on purpose"]
    assert seen(OURS) == expected


@pytest.mark.parametrize("make", [Scripted, Timed])
def test_an_exporter_is_shut_down_once_after_the_last_batch(make: type[Scripted]) -> None:
    exporter = make()
    processor = spanwire.trace.export.BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
    provider = spanwire.trace.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span("span").end()
    provider.shutdown()
    processor.shutdown()
    assert exporter.batches == [["span"]]
    if make is Timed:
        (left,) = exporter.shutdowns
        assert left is not None
        assert 20_000 < left <= 30_000
    else:
        assert exporter.shutdowns == [None]


@only_newest
def test_a_span_that_comes_after_shutdown_is_ignored_with_the_sdks_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def seen(side: Side) -> list[Any]:
        caplog.clear()
        exporter = Scripted()
        processor = side.export.BatchSpanProcessor(exporter)
        provider = side.trace.TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        processor.shutdown()
        provider.get_tracer("tests").start_span("late").end()
        flushed = processor.force_flush()
        return [exporter.batches, flushed, [(each.name, each.getMessage()) for each in caplog.records]]

    expected = seen(THEIRS)
    assert "Shutdown called, ignoring Span." in str(expected)
    assert seen(OURS) == expected


def test_spans_of_the_sdk_reach_the_exporter_themselves() -> None:
    kept: list[Any] = []

    class Keep(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            kept.append(span)

    class Take(Scripted):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            taken.extend(spans)
            return SpanExportResult.SUCCESS

    taken: list[Any] = []
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Keep())
    provider.add_span_processor(spanwire.trace.export.BatchSpanProcessor(Take()))
    for _ in range(3):
        provider.get_tracer("tests").start_span("span").end()
    provider.shutdown()
    assert len(taken) == 3
    assert all(ours is theirs for ours, theirs in zip(taken, kept, strict=True))
