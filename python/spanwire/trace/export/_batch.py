"""The batch processor: spans wait as bytes, which an exporter of ours sends; any other is given views of them."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod, WeakSet

from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace import export as sdk

from spanwire import _native
from spanwire._native import DurableDirectory, FrameQueue
from spanwire._settings import _traces
from spanwire._telemetry import worker_events
from spanwire.durable._queue import Recoverer, end_at_exit, open_directory
from spanwire.exporter._common.span_exporter import NativeSpanExporter
from spanwire.trace.export._children import at_end_of_child
from spanwire.trace.export._delivery import DEFAULT_TIMEOUT_MILLIS, BatchLimits, Delivery, NativeDelivery
from spanwire.trace.export._policy import QueuePolicy, shutdown_seconds
from spanwire.trace.export._policy import max_in_flight as resolve_in_flight
from spanwire.trace.export._python import PythonDelivery

if TYPE_CHECKING:
    from typing import TypeGuard

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.trace import ReadableSpan

    from spanwire.filters import SpanFilter

__all__ = ["BatchSpanProcessor"]

DEFAULT_BATCH_SPANS = _traces.BATCH_SPANS
DEFAULT_BATCH_BYTES = _traces.BATCH_BYTES
UNLIMITED = (1 << 63) - 1
HOOKS = {"on_start", "_on_ending", "on_end"}
NONE: WeakSet[Any] = WeakSet()


class BatchSpanProcessor(sdk.BatchSpanProcessor):
    """Collects finished spans and sends them in batches, from a native thread that all processors of the process share.

    In front of an ``OTLPSpanExporter`` of ``spanwire.exporter`` spans wait as bytes: up to 64 MiB of them unless
    ``max_queue_size`` is given, and they are sent by 2,048 or 400 KB, whichever is less, unless ``max_export_batch_size``
    is. Over a bound the oldest go, and ``spanwire.stats()`` counts them.

    Any other exporter is given spans that are decoded when they are read, by a Python thread, 512 at a time as from the SDK.

    Arguments that are not given are read from OTEL_BSP_* as the SDK reads them.

    :param max_queue_size: spans that wait at most.
    :param schedule_delay_millis: milliseconds between two exports.
    :param max_export_batch_size: spans in a request at most; reaching it starts an export.
    :param export_timeout_millis: not used, as in the SDK: the exporter has its ``timeout``.
    :param queue_policy: what happens to a span when the queue is full: ``drop_oldest`` (default: the oldest go), ``drop_newest`` (it
        goes), ``block(SECONDS)`` (the thread that ends it waits for room, without the GIL; then it goes). Default:
        SPANWIRE_QUEUE_POLICY.
    :param max_in_flight: requests under way at once at most, 1 to 8. Default: SPANWIRE_MAX_IN_FLIGHT; without it 1 to an
        endpoint on this machine, 4 to others. Exporters in Python are called one batch at a time.
    :param shutdown_timeout: seconds that ``shutdown``, and ``force_flush`` with its default timeout, wait for a backend that accepts nothing,
        0 to 30; a backend that accepts requests has the SDK's 30 seconds. With ``durable=`` a shutdown does not wait for a backend that fails.
        Default: SPANWIRE_SHUTDOWN_TIMEOUT, or 5. Not for exporters in Python.
    :param meter_provider: for the SDK's metrics about itself; needs opentelemetry-sdk 1.39 or newer.
    :param span_filter: which spans are sent (``spanwire.filters``); the others are counted as dropped for ``stage``. Not for exporters
        in Python.
    :raises ValueError: with the SDK's text, if sizes or delay are not positive or a batch is larger than the queue; for a
        ``span_filter`` that is none, or with an exporter in Python.
    """

    # For a native tracer: what it appends to _queue is read in Python.
    _reads_frames = False
    # Looked at also where a subclass sets a hook before it calls __init__.
    _plans = NONE  # before `__init__` gives each its own

    def __init__(
        self,
        span_exporter: sdk.SpanExporter,
        max_queue_size: int | None = None,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
        *,
        meter_provider: "MeterProvider | None" = None,
        span_filter: "SpanFilter | None" = None,
        queue_policy: str | None = None,
        max_in_flight: int | None = None,
        shutdown_timeout: float | None = None,
    ) -> None:
        has_queue_size = max_queue_size is not None or _is_number(OTEL_BSP_MAX_QUEUE_SIZE)
        has_batch_size = max_export_batch_size is not None or _is_number(OTEL_BSP_MAX_EXPORT_BATCH_SIZE)
        # What the SDK takes and refuses, we take and refuse.
        most_spans = _or_default(max_queue_size, self._default_max_queue_size)
        delay = _or_default(schedule_delay_millis, self._default_schedule_delay_millis)
        batch_spans = _or_default(max_export_batch_size, self._default_max_export_batch_size)
        _or_default(export_timeout_millis, self._default_export_timeout_millis)
        self._validate_arguments(most_spans, delay, batch_spans)  # type: ignore[no-untyped-call]  # the SDK's has no types

        metrics = _metrics(meter_provider, most_spans if has_queue_size else None)
        self._plans = WeakSet()  # those that it is in, or was
        self._before: list[Delivery] = []  # what sends what ended before another exporter was put in the place of ours

        policy = QueuePolicy.resolve(queue_policy)
        in_flight = resolve_in_flight(max_in_flight)
        patience = shutdown_seconds(shutdown_timeout)

        self._directory: DurableDirectory | None = None
        self._child = 0  # whose end is seen to
        self._recoverer: Recoverer | None = None

        def new_queue(directory: DurableDirectory | None = None) -> FrameQueue:
            bounds = {"max_spans": most_spans} if has_queue_size else {}
            return policy.apply(FrameQueue(**bounds, durable=directory))

        def in_python(exporter: sdk.SpanExporter, spans: int = batch_spans) -> Delivery:
            return PythonDelivery(exporter, new_queue(), delay_seconds=delay / 1000, batch_spans=spans, metrics=metrics)

        self._in_python = in_python
        if not _is_ours(span_exporter):
            if span_filter is not None:
                raise ValueError(
                    f"span_filter= works with the exporters of spanwire.exporter, not with {type(span_exporter).__name__}; "
                    "there a SpanProcessor in front of it can choose"
                )
            self._reads_frames = True
            self._delivery: Delivery = in_python(span_exporter)
        else:
            request_bytes = span_exporter._max_request_size if span_exporter._max_request_size > 0 else UNLIMITED
            if not has_batch_size:
                batch_spans = DEFAULT_BATCH_SPANS
                if has_queue_size:
                    # Of an exact queue no more than half: what comes while a request is made must find room.
                    batch_spans = min(batch_spans, max(1, most_spans // 2))
                request_bytes = min(request_bytes, DEFAULT_BATCH_BYTES)
            if span_filter is not None:
                span_exporter._client.set_filter(_native_filter(span_filter))
            durable = span_exporter.durable_queue
            if durable is not None:
                self._directory = open_directory(durable)
                worker_events.name_max_bytes(span_exporter._client.destination)
            self._delivery = NativeDelivery(
                span_exporter,
                new_queue(self._directory),
                delay_seconds=delay / 1000,
                limits=BatchLimits(batch_spans, request_bytes, in_flight, patience),
                metrics=metrics,
                may_share=policy.may_share,
            )
            self._delivery.tell_replaced = WeakMethod(self._send_by)
            span_exporter._users.add(self)
            if durable is not None and durable.recover:
                self._recoverer = Recoverer(durable, span_exporter._client, batch_spans, request_bytes)
                self._recoverer.begin()
        self._queue = self._delivery._queue
        # Where the SDK's class keeps its exporter.
        self._batch_processor = self._delivery  # type: ignore[assignment]  # answers what is asked of the SDK's
        if not isinstance(getattr(sdk.BatchSpanProcessor, "span_exporter", None), property):
            self.span_exporter = span_exporter  # type: ignore[misc]  # a property of newer SDKs

    def __setattr__(self, name: str, value: object) -> None:
        """Libraries replace hooks of a processor that is in use, and with older SDKs its exporter."""
        super().__setattr__(name, value)
        if name in HOOKS:
            self._replan()
        elif name == "span_exporter" and "_delivery" in vars(self) and self._delivery._exporter is not value:
            self._delivery._exporter = value  # type: ignore[assignment]  # any exporter

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in HOOKS:
            self._replan()

    def _replan(self) -> None:
        for plan in list(self._plans):
            processors = plan.span_processors
            if any(processor is self for processor in processors):
                plan.set_processors(processors)

    def _send_by(self, exporter: sdk.SpanExporter) -> None:
        """Another exporter was put in the place of ours, or another ``export`` into ours: it is to see the spans.

        What has ended before is sent as bytes yet.
        """
        self._before.append(self._delivery)
        self._delivery = self._batch_processor = self._in_python(exporter)  # type: ignore[assignment]  # as above
        self._queue, self._reads_frames = self._delivery._queue, True
        self._replan()

    # The SDK's do nothing; the base class's are known to do nothing, and are not called.
    on_start = SpanProcessor.on_start
    if hasattr(SpanProcessor, "_on_ending"):
        _on_ending = SpanProcessor._on_ending

    def on_end(self, span: "ReadableSpan") -> None:
        """Queue a sampled span. Spans of our own tracers come here only if a subclass overrides this."""
        if span.context and span.context.trace_flags.sampled:
            self._delivery.emit(span)

    # A native tracer may append to _queue instead of calling it.
    on_end._takes_frames = True  # type: ignore[attr-defined]  # functions have attributes

    def _attend(self) -> None:
        """A span was appended natively, and no thread of this process sends; or it came after ``shutdown``."""
        self._delivery.attend()
        if self._directory is not None and self._child != os.getpid():
            self._child = os.getpid()
            at_end_of_child(WeakMethod(self._end_if_all_is_delivered))
        if self._recoverer is not None:
            self._recoverer.begin(now=True)
        for delivery in self._before:
            if delivery._queue:
                delivery.attend()

    def _end_if_all_is_delivered(self) -> None:
        """This process runs no handlers at its exit: with it goes a folder that nobody needs. What waits yet stays, and is not waited for."""
        if self._directory is None:
            return
        # What is under way waits no more in the queue, but it is not delivered either.
        if not self._before and (self._delivery.is_closed or self._delivery.force_flush(0)):
            self.shutdown()
            self._directory.end()
        else:
            self._write_out()

    def _write_out(self) -> None:
        """What is in memory alone, since its file is not made yet or cannot be mapped, outlives the process from now on."""
        if self._directory is not None:
            with suppress(OSError):  # stats()["durable"] tells
                self._directory.write_out()

    def shutdown(self) -> None:
        """Send what waits, within 30 seconds, and take no more spans. May be repeated.

        It ends sooner where the backend accepts nothing: see ``shutdown_timeout``.
        """
        if self._recoverer is not None:
            self._recoverer.end()
        end = time.monotonic() + DEFAULT_TIMEOUT_MILLIS / 1000
        while self._before:
            self._before.pop().retire(max(0.0, end - time.monotonic()))
        self._write_out()  # so that it counts as kept
        self._delivery.shutdown(max(0.0, end - time.monotonic()) * 1000)
        if self._directory is not None:
            self._write_out()
            end_at_exit(self._directory)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Send what has ended before the call.

        :param timeout_millis: default 30,000.
        :returns: whether all of it was answered (or dropped) within the time; False after ``shutdown``. With the default timeout also False
            once the backend has accepted nothing for ``shutdown_timeout`` seconds: what waits stays queued.
        """
        if not self._before:
            return self._delivery.force_flush(timeout_millis)
        end = time.monotonic() + (DEFAULT_TIMEOUT_MILLIS if timeout_millis is None else timeout_millis) / 1000
        flushed = [delivery.force_flush(max(0.0, end - time.monotonic()) * 1000) for delivery in self._before]
        return self._delivery.force_flush(max(0.0, end - time.monotonic()) * 1000) and all(flushed)


def _native_filter(given: "SpanFilter") -> Any:
    native = getattr(given, "_native", None)
    if not isinstance(native, _native.SpanFilter):
        raise ValueError(f"span_filter must be a spanwire.filters.SpanFilter, not {given!r}")  # noqa: TRY004 - one kind for all
    return native


def _is_ours(exporter: object) -> "TypeGuard[NativeSpanExporter]":
    """Whether ``export`` is our own code, so that it makes no difference whether spans or their bytes are sent."""
    return (
        isinstance(exporter, NativeSpanExporter)
        and type(exporter).export is NativeSpanExporter.export
        and "export" not in vars(exporter)
    )


def _or_default(value: Any, default: Callable[[], Any]) -> Any:
    return default() if value is None else value


def _is_number(name: str) -> bool:
    """Whether the environment has what the SDK takes for a number."""
    try:
        int(os.environ[name])
    except (KeyError, ValueError):
        return False
    return True


def _metrics(meter_provider: "MeterProvider | None", capacity: int | None) -> Any:
    """The SDK's metrics of a processor, where it has them and they are wanted."""
    if os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "").strip().lower() != "true":
        return None
    try:
        from opentelemetry.sdk._shared_internal._processor_metrics import create_processor_metrics
        from opentelemetry.semconv._incubating.attributes.otel_attributes import OtelComponentTypeValues
    except ImportError:  # an older SDK
        return None
    from opentelemetry.metrics import get_meter_provider

    return create_processor_metrics(
        "traces",
        OtelComponentTypeValues.BATCHING_SPAN_PROCESSOR,
        meter_provider or get_meter_provider(),
        capacity=capacity,
        enabled=True,
    )
