"""What all our span exporters share: they encode, send and retry by native code, over whichever protocol."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from spanwire._telemetry import log, top, worker_events
from spanwire.durable._queue import resolve as resolve_durable
from spanwire.durable._queue import warn_of_no_use
from spanwire.exporter._common.verdict import Verdict

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from spanwire._native import Outcome, Request
    from spanwire.columnar import SpanColumns
    from spanwire.durable import DurableQueue
    from spanwire.exporter._common.options import ExporterOptions
    from spanwire.exporter._common.refresh import HeadersProvider, HeadersRefresh

__all__ = ["NativeSpanExporter"]

_CUT_OFF_SECONDS = 0.5
_COLUMNS_REQUEST_BYTES = 1 << 20

NONE: WeakSet[Any] = WeakSet()


class NativeSpanExporter(SpanExporter):
    """Exports spans by a native client. Thread-safe, and usable on both sides of a fork."""

    # Looked at also where a subclass sets something before it calls __init__.
    _refresh: "HeadersRefresh | None" = None
    _users = NONE  # before `_begin` gives each its own
    _said_no_use = False

    def _begin(
        self,
        options: "ExporterOptions",
        *,
        component: str,
        meter_provider: "MeterProvider | None",
        w3c_flags: bool,
        headers_provider: "HeadersProvider | None" = None,
        headers_refresh: float | None = None,
        durable: "DurableQueue | str | os.PathLike[str] | None" = None,
    ) -> None:
        """To be called once, by ``__init__``."""
        self.durable_queue = resolve_durable(durable)
        self._users = WeakSet()  # batch processors that send its spans as bytes
        if headers_provider is None and headers_refresh is None:
            self._client = options.client(w3c_flags=w3c_flags)
        else:
            from spanwire.exporter._common.refresh import HeadersRefresh, check_provider

            check_provider(headers_provider, headers_refresh)
            self._client = options.client(w3c_flags=w3c_flags, fresh_headers=True)
            if headers_provider is not None:
                self._refresh = HeadersRefresh(self._client, headers_provider, headers_refresh, options.protocol)
                self._refresh.serve(self)
        self._w3c_flags = w3c_flags
        self._max_request_size = options.max_request_size
        # Names that code written for the official exporters looks at.
        self._timeout = options.timeout
        self._shutdown = False
        self._said_shutdown = False
        self._metrics: Any = None
        if os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "").strip().lower() == "true":
            from spanwire.exporter._common.metrics import ExporterMetrics

            self._metrics = ExporterMetrics(component, options.endpoint, meter_provider, self._client)
        top.serve_if_asked()

    def __setattr__(self, name: str, value: object) -> None:
        """Libraries put another ``export`` in front, to redact or to count: from then on it is called."""
        super().__setattr__(name, value)
        if name == "export":
            while self._users:
                self._users.pop()._send_by(self)

    def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
        """Send a batch and wait for the answer, retries included, for at most ``timeout`` seconds; never raises.

        :returns: SUCCESS if the destination took the request. What is lost is logged and counted in ``spanwire.stats()``.
        """
        if self._metrics is not None:
            return self._metrics.measure(self._export, spans)  # type: ignore[no-any-return]  # what _export answers
        return SpanExportResult.SUCCESS if self._export(spans).lost is None else SpanExportResult.FAILURE

    def export_columns(
        self,
        columns: "SpanColumns",
        resource: "Resource | Mapping[str, Any] | None" = None,
        scope: "InstrumentationScope | str | None" = None,
        max_request_bytes: int | None = None,
        threads: int = 1,
    ) -> SpanExportResult:
        """Send spans that are columns and wait for the answers, retries included, for at most ``timeout`` seconds a request.

        Requests are encoded one after the other while the ones before are under way, so memory holds few of them.

        :param columns: the spans: ``spanwire.columnar.SpanColumns``.
        :param resource: what they are of, if ``columns`` has no groups.
        :param scope: likewise.
        :param max_request_bytes: of each request, before compression; default: 1 MiB, or ``max_request_size`` if that is less. A
            span that does not fit is dropped and counted.
        :param threads: how many encode.
        :returns: SUCCESS if the destination took all requests. What is lost is logged and counted in ``spanwire.stats()``.
        :raises ValueError: for columns that cannot be encoded, before anything is sent; the text names column, row and cause. If
            another thread changes the arrays meanwhile, also later.
        :raises TypeError: for what is no ``SpanColumns``.
        :raises MemoryError: if there is no memory for a request.
        """
        from spanwire.columnar import _encode

        limit = _encode.positive("max_request_bytes", max_request_bytes) or _COLUMNS_REQUEST_BYTES
        if self._max_request_size > 0:
            limit = min(limit, self._max_request_size)
        heads = _encode.group_heads(columns, resource, scope)
        workers = _encode.positive("threads", threads) or 1
        encoder = columns.encoder

        def export(_: Sequence[int]) -> Verdict:
            return self._deliver(
                lambda: self._client.export_columns(encoder, heads, limit, workers), (ValueError, MemoryError)
            )

        if self._metrics is not None:
            return self._metrics.measure(export, range(len(columns)))  # type: ignore[no-any-return]  # what export answers
        return SpanExportResult.SUCCESS if export(()).lost is None else SpanExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Take no more spans: a back-off ends at once, a request under way within ``timeout_millis``. May be repeated."""
        if self._shutdown:
            log.warn("export.shutdown_again", "Exporter already shutdown, ignoring call")
            return
        self._shutdown = True
        if not self._client.shutdown(timeout_millis / 1000):
            self._client.force_flush(_CUT_OFF_SECONDS)  # until what was cut off is counted, a moment later
        self._record_driven()
        if self._refresh is not None:
            self._refresh.end()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait for the batches that are under way in other threads.

        :returns: whether all of them ended within ``timeout_millis``.
        """
        try:
            return self._client.force_flush(timeout_millis / 1000)
        finally:
            self._record_driven()

    def _attend(self) -> None:
        """Something is about to be sent in this process."""
        if self._refresh is not None:
            self._refresh.attend()

    def _see_who_sends(self) -> None:
        """Spans come one batch at a time: whoever has them kept them in memory."""
        if self.durable_queue is not None and not self._said_no_use and not self._users:
            self._said_no_use = True
            warn_of_no_use(self.durable_queue)

    def _export(self, spans: "Sequence[ReadableSpan]") -> Verdict:
        self._see_who_sends()
        return self._deliver(lambda: self._client.export(spans))

    def _record_driven(self) -> None:
        """Record in the metrics, if there are any, what became of what the native worker has sent for a batch processor."""
        if self._metrics is not None:
            self._metrics.record()

    def _export_request(self, request: "Request") -> None:
        """Deliver a request of a queue's, as ``export`` does: for our own simple processor."""
        self._see_who_sends()

        def export(_: Sequence[int]) -> Verdict:
            return self._deliver(lambda: self._client.export_request(request))

        if self._metrics is None:
            export(())
        else:
            self._metrics.measure(export, range(request.spans))

    def _deliver(self, export: "Callable[[], Outcome]", raised: tuple[type[Exception], ...] = ()) -> Verdict:
        came_late = self._shutdown
        self._attend()
        try:
            outcome = export()
        except raised:
            raise
        except Exception as error:
            log.warn(
                "export.internal", "Spans are lost, exporting them failed inside of spanwire: %r; please report", error
            )
            return Verdict("internal", 0, {})
        if outcome.has_news:
            worker_events.listen()
        if outcome.message is not None:
            self._tell(outcome.lost, outcome.rejected, outcome.message, came_late)
        return Verdict(outcome.lost, outcome.rejected, outcome.losses)

    def _tell(self, lost: str | None, rejected: int, message: str, came_late: bool) -> None:
        destination = self._client.destination
        if came_late:
            if not self._said_shutdown:
                self._said_shutdown = True
                log.warn("export.shutdown", "Exporter already shutdown, ignoring batch")
        else:
            worker_events.say(destination, lost, rejected, message)
