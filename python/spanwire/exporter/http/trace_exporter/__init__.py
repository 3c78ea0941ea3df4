"""``OTLPSpanExporter`` over HTTP, under the name of the official exporter's module."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from spanwire.exporter._common.options import HttpOptions
from spanwire.exporter._common.protocols import HTTP_PROTOBUF
from spanwire.exporter._common.span_exporter import NativeSpanExporter
from spanwire.exporter.http._compression import Compression

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from spanwire.durable import DurableQueue

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

_CREDENTIAL_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER",
)


class OTLPSpanExporter(NativeSpanExporter):
    """Exports spans over OTLP/HTTP with protobuf bodies, encoded and sent by native code.

    Keywords and OTEL_EXPORTER_OTLP[_TRACES]_* as the official exporter's. Thread-safe, and usable on both sides of a fork.

    :param endpoint: whole URL, used as it stands. Default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or ``v1/traces`` under
        OTEL_EXPORTER_OTLP_ENDPOINT, or ``http://localhost:4318/v1/traces``.
    :param certificate_file: PEM file (or directory) of the CAs to trust; default: the system's.
    :param client_key_file: PEM file of the client certificate's key.
    :param client_certificate_file: PEM file of the client certificate, which may hold the key as well.
    :param headers: sent with each request; they override those from the environment.
    :param timeout: seconds for a whole ``export``, retries included.
    :param compression: none (default), gzip, deflate or zstd.
    :param session: refused: there is no ``requests`` here.
    :param max_request_size: bytes before compression; a larger request is divided, a larger span dropped and counted. 0: no limit.
    :param endpoints: several whole URLs of the same backend, in the place of ``endpoint``: one of them gets each request. One that
        fails is left alone for a while, and asked by a connection before it gets spans again. They have one line in
        ``spanwire.stats()``.
    :param balance: which of them: ``round_robin`` (default), ``failover`` (the first that is well, in this order),
        ``least_loaded``, or ``trace_id``: each trace has its own, the same for all processes that name the same endpoints in
        whatever order; requests are divided, and while one is out its traces go to the others.
    :param headers_provider: a function that returns more headers, such as a token that expires; they override ``headers``. Called on
        a thread of its own: now, every ``headers_refresh`` seconds, and when the backend refuses (401, 403, UNAUTHENTICATED or
        PERMISSION_DENIED). Nothing is sent before its first answer; a request that is refused waits for newer headers, and is dropped
        once three of them were refused, too. Where it raises, the headers stay.
    :param headers_refresh: seconds between two calls; default: 300, at least 2.
    :param meter_provider: where the exporter's own metrics go, if OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED is true.
    :param w3c_flags: also send the W3C flags of spans and links and the links' trace state, which the official exporter
        leaves out.
    :param durable: a folder, or a ``spanwire.durable.DurableQueue``: what waits in a ``BatchSpanProcessor`` of this exporter outlives
        the process. Default: SPANWIRE_DURABLE_PATH.
    :raises ValueError: if an option cannot work; the text says what can.
    """

    _protocol = HTTP_PROTOBUF
    _component = "otlp_http_span_exporter"  # in the exporter's metrics about itself

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
        endpoints: "Sequence[str] | None" = None,
        balance: str | None = None,
        headers_provider: Callable[[], Mapping[str, str]] | None = None,
        headers_refresh: float | None = None,
        meter_provider: "MeterProvider | None" = None,
        w3c_flags: bool = False,
        durable: "DurableQueue | str | os.PathLike[str] | None" = None,
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
            protocol=self._protocol,
            endpoints=endpoints,
            balance=balance,
        )
        self._begin(
            options,
            component=self._component,
            meter_provider=meter_provider,
            w3c_flags=w3c_flags,
            headers_provider=headers_provider,
            headers_refresh=headers_refresh,
            durable=durable,
        )
        # Names that code written for the official exporter looks at.
        self._endpoint = options.endpoint
        self._headers = options.headers
        self._compression = Compression(options.compression)


def _refuse_session(what: str | None) -> NoReturn:
    raise ValueError(
        f"{what} is not supported: spanwire sends from native code, not through requests. Use headers= for authentication, "
        "certificate_file=, client_certificate_file= and client_key_file= for TLS, timeout= and compression=; where a "
        "session is indispensable, keep opentelemetry.exporter.otlp.proto.http for this exporter"
    )
