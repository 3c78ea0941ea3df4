"""``OTLPSpanExporter`` over HTTP, under the name of the official exporter's module."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakSet

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from spanwire import _events, _log, _stats
from spanwire.exporter._options import HttpOptions
from spanwire.exporter._verdict import Verdict
from spanwire.exporter.http._compression import Compression

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from spanwire._native import Outcome, Request
    from spanwire.columnar import SpanColumns

__all__ = [
    "DEFAULT_COMPRESSION",
    "DEFAULT_ENDPOINT",
    "DEFAULT_TIMEOUT",
    "DEFAULT_TRACES_EXPORT_PATH",
    "OTLPSpanExporter",
]

DEFAULT_COMPRESSION = Compression.NoCompression
DEFAULT_ENDPOINT = "http://localhost:4318/"
DEFAULT_TRACES_EXPORT_PATH = "v1/traces"
DEFAULT_TIMEOUT = 10  # seconds

_CUT_OFF_SECONDS = 0.5
_COLUMNS_REQUEST_BYTES = 1 << 20

_CREDENTIAL_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)
NONE: WeakSet[Any] = WeakSet()


class OTLPSpanExporter(SpanExporter):
    """Exports spans over OTLP/HTTP with protobuf bodies, encoded and sent by native code.

    Keywords and OTEL_EXPORTER_OTLP[_TRACES]_* as the official exporter's. Thread-safe, and usable on both sides of a fork.

    :param endpoint: whole URL, used as it stands. Default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or ``v1/traces`` under
        OTEL_EXPORTER_OTLP_ENDPOINT, or ``http://localhost:4318/v1/traces``.
    :param certificate_file: PEM file (or directory) of the CAs to trust; default: the system's.
    :param client_key_file: PEM file of the client certificate's key.
    :param client_certificate_file: PEM file of the client certificate, which may hold the key as well.
    :param headers: sent with each request; they override those from the environment.
    :param timeout: seconds for a whole ``export``, retries included.
    :param compression: none (default), gzip or deflate.
    :param session: refused: there is no ``requests`` here.
    :param max_request_size: bytes before compression; a larger request is divided, a larger span dropped and counted. 0: no limit.
    :param meter_provider: where the exporter's own metrics go, if OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED is true.
    :param w3c_flags: also send the W3C flags of spans and links and the links' trace state, which the official exporter
        leaves out.
    :raises ValueError: if an option cannot work; the text says what can.
    """

    # Looked at also where a subclass sets something before it calls __init__.
    _users = NONE  # before `__init__` gives each its own

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        compression: object = None,
        session: object = None,
        *,
        max_request_size: int | None = None,
        meter_provider: "MeterProvider | None" = None,
        w3c_flags: bool = False,
    ) -> None:
        provider = next((name for name in _CREDENTIAL_PROVIDERS if os.environ.get(name)), None)
        if session is not None or provider is not None:
            _refuse_session("session=" if session is not None else provider)
        options = HttpOptions.resolve(
            "traces",
            endpoint=endpoint,
            certificate_file=certificate_file,
            client_key_file=client_key_file,
            client_certificate_file=client_certificate_file,
            headers=headers,
            timeout=timeout,
            compression=compression,
            max_request_size=max_request_size,
        )
        self._users = WeakSet()  # batch processors that send its spans as bytes
        self._client = options.client(w3c_flags=w3c_flags)
        self._w3c_flags = w3c_flags
        self._max_request_size = options.max_request_size
        # Names that code written for the official exporter looks at.
        self._endpoint = options.endpoint
        self._headers = options.headers
        self._timeout = options.timeout
        self._compression = Compression(options.compression)
        self._shutdown = False
        self._said_shutdown = False
        self._metrics: Any = None
        if os.environ.get("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "").strip().lower() == "true":
            from spanwire.exporter._metrics import ExporterMetrics

            self._metrics = ExporterMetrics("otlp_http_span_exporter", self._endpoint, meter_provider)
        _stats.serve_if_asked()

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
            _log.warn("export.shutdown_again", "Exporter already shutdown, ignoring call")
            return
        self._shutdown = True
        if not self._client.shutdown(timeout_millis / 1000):
            self._client.force_flush(_CUT_OFF_SECONDS)  # until what was cut off is counted, a moment later

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait for the batches that are under way in other threads.

        :returns: whether all of them ended within ``timeout_millis``.
        """
        return self._client.force_flush(timeout_millis / 1000)

    def _export(self, spans: "Sequence[ReadableSpan]") -> Verdict:
        return self._deliver(lambda: self._client.export(spans))

    @property
    def _has_metrics(self) -> bool:
        """Whether Python counts each batch."""
        return self._metrics is not None

    def _export_request(self, request: "Request") -> None:
        """Deliver a request of a queue's, as ``export`` does: for our own batch processor."""

        def export(_: Sequence[int]) -> Verdict:
            return self._deliver(lambda: self._client.export_request(request))

        if self._metrics is None:
            export(())
        else:
            self._metrics.measure(export, range(request.spans))

    def _deliver(self, export: "Callable[[], Outcome]", raised: tuple[type[Exception], ...] = ()) -> Verdict:
        came_late = self._shutdown
        try:
            outcome = export()
        except raised:
            raise
        except Exception as error:
            _log.warn(
                "export.internal", "Spans are lost, exporting them failed inside of spanwire: %r; please report", error
            )
            return Verdict("internal", 0)
        if outcome.message is not None:
            self._tell(outcome.lost, outcome.rejected, outcome.message, came_late)
        return Verdict(outcome.lost, outcome.rejected)

    def _tell(self, lost: str | None, rejected: int, message: str, came_late: bool) -> None:
        destination = self._client.destination
        if came_late:
            if not self._said_shutdown:
                self._said_shutdown = True
                _log.warn("export.shutdown", "Exporter already shutdown, ignoring batch")
        else:
            _events.say(destination, lost, rejected, message)


def _refuse_session(what: str | None) -> NoReturn:
    raise ValueError(
        f"{what} is not supported: spanwire sends from native code, not through requests. Use headers= for authentication, "
        "certificate_file=, client_certificate_file= and client_key_file= for TLS, timeout= and compression=; where a "
        "session is indispensable, keep opentelemetry.exporter.otlp.proto.http for this exporter"
    )
