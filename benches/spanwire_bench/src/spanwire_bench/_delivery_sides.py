"""The sides of ``spanwire bench export``: how each makes spans and sends them, with its defaults. And, for ``--profile``, two that
go only a part of the way.

Used in a process of its own for each side. Peers are imported by name: they are not installed with spanwire.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanwire_bench import _delivery_programs
from spanwire_bench._delivery_programs import SERVICE
from spanwire_bench._trace_sides import Side

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from spanwire_bench._delivery_programs import Step

__all__ = ["Sender", "make"]

_SDK_QUEUE, _SDK_BATCH = 2048, 512  # spans: the defaults of the SDK's batch processor, and of fastotel's
# Neither drops anything near these: ours has a bound in bytes that holds several times as many, ddtrace a buffer of 20 MB.
_OUR_OUTSTANDING = _DDTRACE_OUTSTANDING = 16_384


@dataclass(frozen=True, slots=True)
class Sender:
    """One side, connected to a receiver.

    :param step: makes some spans and gives their number.
    :param flush: sends what was made before.
    :param most_outstanding: spans that may be made and not yet received: more might be dropped.
    :param delivers: whether anything is sent at all.
    """

    step: Step
    flush: Callable[[], object]
    shutdown: Callable[[], object]
    most_outstanding: int
    delivers: bool = True


def make(side: str, workload: str, endpoint: str, batch: int | None = None) -> Sender:
    """Raises KeyError for an unknown side and ImportError where what it needs is not installed.

    :param batch: spans a request, where the side can be told; None: its default.
    """
    makers: dict[str, Callable[[str, str, int | None], Sender]] = {
        "sdk": _sdk,
        "exporter": _exporter,
        "spanwire": _spanwire,
        "fastotel": _fastotel,
        "ddtrace": _ddtrace,
        "made": _made,
        "queued": _queued,
    }
    return makers[side](workload, endpoint, batch)


def _sdk(workload: str, endpoint: str, batch: int | None) -> Sender:
    """The SDK with the official exporter."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return _of_sdk_spans(workload, _batching(OTLPSpanExporter(endpoint=endpoint), batch), batch)


def _exporter(workload: str, endpoint: str, batch: int | None) -> Sender:
    """The SDK with our exporter, below the SDK's batch processor."""
    from spanwire.exporter.http import OTLPSpanExporter

    return _of_sdk_spans(workload, _batching(OTLPSpanExporter(endpoint=endpoint), batch), batch)


def _spanwire(workload: str, endpoint: str, batch: int | None) -> Sender:
    """Everything ours."""
    from spanwire.exporter.http import OTLPSpanExporter
    from spanwire.trace import TracerProvider
    from spanwire.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint), **_sizes(batch, _OUR_OUTSTANDING))
    return _of_provider(workload, TracerProvider, processor, _OUR_OUTSTANDING)


def _fastotel(workload: str, endpoint: str, batch: int | None) -> Sender:
    """The SDK's spans, taken by fastotel's processor, which batches, encodes and sends natively."""
    processor = importlib.import_module("fastotel").OTLPSpanProcessor(endpoint=endpoint, **_sizes(batch, _queue(batch)))
    return _of_sdk_spans(workload, processor, batch)


def _ddtrace(workload: str, endpoint: str, batch: int | None) -> Sender:
    """Ddtrace's tracer and writer; WR by its OpenTelemetry API, since its own has neither events nor kinds."""
    for name in [name for name in os.environ if name.startswith(("DD_", "_DD_"))]:
        del os.environ[name]
    # It reads them when it is imported. All but the first are about sending things that are no spans.
    os.environ["DD_TRACE_AGENT_URL"] = endpoint
    os.environ["DD_SERVICE"] = SERVICE
    os.environ["DD_INSTRUMENTATION_TELEMETRY_ENABLED"] = "false"
    os.environ["DD_REMOTE_CONFIGURATION_ENABLED"] = "false"
    os.environ["DD_TRACE_STATS_COMPUTATION_ENABLED"] = "false"
    tracer: Any = importlib.import_module("ddtrace.trace").tracer
    if workload == "WR":
        provider: Any = importlib.import_module("ddtrace.opentelemetry").TracerProvider()
        step = _delivery_programs.of_api(workload, provider.get_tracer)
    else:
        step = _delivery_programs.of_ddtrace(workload, tracer)
    return Sender(step, tracer.flush, tracer.shutdown, _DDTRACE_OUTSTANDING)


def _made(workload: str, endpoint: str, batch: int | None) -> Sender:
    """Our tracer alone: its spans end and come to nothing."""
    return _undelivered(workload, Side("spanwire").provider())


def _queued(workload: str, endpoint: str, batch: int | None) -> Sender:
    """The frames of our tracer's spans go to a queue that drops the oldest."""
    return _undelivered(workload, Side("spanwire").discarding_provider())


def _undelivered(workload: str, provider: TracerProvider) -> Sender:
    step = _delivery_programs.of_api(workload, provider.get_tracer)
    return Sender(step, lambda: None, provider.shutdown, sys.maxsize, delivers=False)


def _batching(exporter: SpanExporter, batch: int | None) -> SpanProcessor:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(exporter, **_sizes(batch, _queue(batch)))


def _sizes(batch: int | None, queue: int) -> dict[str, Any]:
    """Arguments of a batch processor; none that says the default."""
    if batch is None:
        return {}
    return {"max_export_batch_size": batch} | ({"max_queue_size": queue} if batch > _SDK_BATCH else {})


def _queue(batch: int | None) -> int:
    """Spans that the SDK's queue holds; never less than a few batches, or nothing would be sent before a delay has passed."""
    return _SDK_QUEUE if batch is None or batch <= _SDK_BATCH else 4 * batch


def _of_sdk_spans(workload: str, processor: SpanProcessor, batch: int | None) -> Sender:
    from opentelemetry.sdk.trace import TracerProvider

    return _of_provider(workload, TracerProvider, processor, _queue(batch))


def _of_provider(workload: str, provider_class: Any, processor: SpanProcessor, most_outstanding: int) -> Sender:
    from opentelemetry.sdk.resources import Resource

    provider = provider_class(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    step = _delivery_programs.of_api(workload, provider.get_tracer)
    return Sender(step, provider.force_flush, provider.shutdown, most_outstanding)
