"""Whether an installation works: spans are encoded, made and sent for real, within this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

__all__ = ["run"]

# What OTLP has for the span of `_encodes`; a test compares it with the official encoder's.
EXPECTED = (
    "0ada010a1e0a1c0a0c736572766963652e6e616d65120c0a0a73656c662d636865636b12b7010a150a137370616e776972652e73656c662d636865636b"
    "129d010a100102030405060708090a0b0c0d0e0f10120811121314151617182a0a73656c662d636865636b30023900ca9a3b000000004100943577000000"
    "004a0a0a04666c6167120210014a150a066e756d626572120b18ffffffffffffffffff014a120a05726174696f120921000000000000e03f4a0c0a047465"
    "787412040a02c3a44a120a046c697374120a2a080a0218010a0218027a00850100010000"
)
# What is meant for an application would change what is checked here.
_OTHERS = {"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "SPANWIRE_CLOCK", "SPANWIRE_DISABLED"}


def run() -> Iterator[tuple[str, str]]:
    """Title and problem (empty if there is none) of every check, as they end. Forgets what the environment says to applications."""
    for name in [name for name in os.environ if name.startswith("OTEL_") or name.upper() in _OTHERS]:
        del os.environ[name]
    for title, check in _CHECKS.items():
        try:
            problem = check()
        except Exception as error:  # whatever it is, it is what is to be told
            problem = f"{type(error).__name__}: {error}"
        yield title, problem


def _encodes() -> str:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

    import spanwire

    span = ReadableSpan(
        name="self-check",
        context=SpanContext(0x0102030405060708090A0B0C0D0E0F10, 0x1112131415161718, False, TraceFlags(1)),
        resource=Resource({"service.name": "self-check"}),
        attributes={"flag": True, "number": -1, "ratio": 0.5, "text": "ä", "list": [1, 2]},
        kind=SpanKind.SERVER,
        start_time=1_000_000_000,
        end_time=2_000_000_000,
        instrumentation_scope=InstrumentationScope("spanwire.self-check"),
    )
    got = spanwire.encode_spans([span]).hex()
    return "" if got == EXPECTED else f"these bytes are not what OTLP has for it: {got}"


def _reads_fast() -> str:
    """Whether what the SDK's processors hand over is read without running Python code, as with every version that is known."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    import spanwire

    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("spanwire.self-check").start_span("self-check").end()
    before = spanwire.stats()["encode"]["spans_fast"]
    spanwire.encode_spans(exporter.get_finished_spans())
    counts = spanwire.stats()["encode"]
    return "" if counts["spans_fast"] == before + 1 else f"the fast path is {counts['fast_path']}, and was not taken"


def _arrives() -> str:
    """A native span with a child, through the native client, to a sink that checks and reads it."""
    from spanwire.exporter.http import OTLPSpanExporter
    from spanwire.sink import Sink
    from spanwire.trace import TracerProvider
    from spanwire.trace.export import BatchSpanProcessor

    with Sink() as sink:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sink.traces_endpoint, timeout=10)))
        tracer = provider.get_tracer("spanwire.self-check")
        with tracer.start_as_current_span("parent"), tracer.start_as_current_span("child") as child:
            child.set_attribute("text", "ä")
        provider.shutdown()
        got = {span.name: span for span in sink.spans()}
    if sorted(got) != ["child", "parent"]:
        return f"sent two spans and received {sorted(got)}"
    if got["child"].parent_span_id != got["parent"].span_id or dict(got["child"].attributes) != {"text": "ä"}:
        return f"what arrived is not what was sent: {got}"
    return ""


def _has_clock() -> str:
    """Whether native spans have the system's time."""
    import time

    from spanwire.trace import TracerProvider

    before = time.time_ns()
    span = TracerProvider(shutdown_on_exit=False).get_tracer("spanwire.self-check").start_span("self-check")
    start = getattr(span, "start_time", 0)
    # A clock that is set meanwhile is no fault of ours.
    return "" if abs(start - before) < 60_000_000_000 else f"a span began at {start}, the system's clock said {before}"


_CHECKS: dict[str, Callable[[], str]] = {
    "a span is encoded to the bytes of OTLP": _encodes,
    "the SDK's spans are read the fast way": _reads_fast,
    "native spans have the system's time": _has_clock,
    "native spans arrive in a sink": _arrives,
}
