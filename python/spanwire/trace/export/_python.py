"""The thread in front of an exporter that is written in Python: it reads what waits in a queue and hands it over.

As the SDK's ``BatchProcessor`` does it, with two differences: ``force_flush`` keeps to its time, since the thread exports and
not the caller; and what became of the spans is counted.
"""

import inspect
import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from spanwire._facade.tracing import keep, take_frames
from spanwire._native import FrameQueue
from spanwire._telemetry import account, stats, top
from spanwire.trace.export._delivery import DEFAULT_TIMEOUT_MILLIS, BatchLimits, Delivery, tell_drops

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["PythonDelivery"]

_FAILURE = SpanExportResult.FAILURE

# Where the SDK says it, in its words.
_sdk_logger = logging.getLogger("opentelemetry.sdk._shared_internal")


class PythonDelivery(Delivery):
    """Hands the spans of one queue to one exporter, in order, from one thread a process."""

    def __init__(
        self, exporter: SpanExporter, queue: FrameQueue, *, delay_seconds: float, batch_spans: int, metrics: Any
    ) -> None:
        # All that the base class keeps, but its client.
        self._sends_by: Any = exporter
        self._queue = queue
        self._account = account.account(type(exporter).__name__)
        self._delay = delay_seconds
        self._limits = BatchLimits(batch_spans, (1 << 63) - 1)
        self._metrics = metrics
        self._is_closed = False
        self._thread = 0
        self.destination = self._account.destination
        if metrics is not None:
            metrics.register_queue_size(self.queued)
        queue.want_reader()
        stats.watch(self)
        top.serve_if_asked()
        weakref.finalize(self, tell_drops, queue, self._account, metrics).atexit = False

    @property
    def _exporter(self) -> Any:
        return self._sends_by

    @_exporter.setter
    def _exporter(self, exporter: SpanExporter) -> None:
        self._sends_by = exporter

    def emit(self, span: "ReadableSpan") -> None:
        """Queue a finished span: one of ours as its bytes."""
        if keep(self._queue, span):
            self.attend()

    def report(self) -> None:
        """Count, and tell people, what was dropped."""
        tell_drops(self._queue, self._account, self._metrics)

    def shutdown(self, timeout_millis: float = DEFAULT_TIMEOUT_MILLIS) -> None:
        """Take no more, export what waits, and shut the exporter down, all within the time if the exporter keeps to its."""
        if self._is_closed:
            return
        self._is_closed = True
        end = time.monotonic() + timeout_millis / 1000
        self._queue.close()
        try:
            if (
                threading.get_ident() != self._thread
            ):  # else the exporter itself calls, and would wait for its own return
                self._flush(timeout_millis / 1000)
        finally:
            self._queue.discard()
            self._queue.wake()
            self.report()
            if "timeout_millis" in inspect.getfullargspec(self._exporter.shutdown).args:
                self._exporter.shutdown(timeout_millis=max(0, (end - time.monotonic()) * 1000))
            else:
                self._exporter.shutdown()

    def _send(self) -> None:
        """Export one batch."""
        spans = take_frames(self._queue, self._limits.spans)
        gone = self._queue.gone
        try:
            if spans:
                if self._metrics is not None:
                    self._metrics.finish_items(len(spans))
                self._export(spans)
        finally:
            self._queue.set_done(gone)

    def _export(self, spans: "list[ReadableSpan]") -> None:
        reason: str | None = "raised"
        error = "the exporter raised"
        counts = self._account.begin(len(spans))
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            result = self._exporter.export(spans)
            reason, error = ("refused", "the exporter answered FAILURE") if result is _FAILURE else (None, "")
        except Exception as raised:
            error = f"the exporter raised {type(raised).__name__}"
            _sdk_logger.exception("Exception while exporting %s.", "Span")
        finally:
            detach(token)
            counts.end(len(spans), reason, error)
