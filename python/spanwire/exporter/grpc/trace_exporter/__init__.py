"""``OTLPSpanExporter`` over gRPC, under the name of the official exporter's module."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from spanwire._telemetry import log
from spanwire.exporter._common.grpc_options import GrpcHeaders, GrpcOptions
from spanwire.exporter._common.span_exporter import NativeSpanExporter
from spanwire.exporter.grpc._compression import Compression

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from spanwire.durable import DurableQueue

__all__ = ["OTLPSpanExporter"]

_CREDENTIAL_PROVIDERS = (
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER",
)
_RETRYABLE_CODES = "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES"
_COMPRESSIONS = {
    "none": Compression.NoCompression,
    "deflate": Compression.Deflate,
    "gzip": Compression.Gzip,
    "zstd": Compression.Zstd,
}


class OTLPSpanExporter(NativeSpanExporter):
    """Exports spans over OTLP/gRPC, encoded and sent by native code.

    Keywords and OTEL_EXPORTER_OTLP[_TRACES]_* as the official exporter's. Thread-safe, and usable on both sides of a fork.

    :param endpoint: host and port, or a URL whose path has no meaning. Default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
        OTEL_EXPORTER_OTLP_ENDPOINT, or ``http://localhost:4317``.
    :param insecure: without TLS; default: what OTEL_EXPORTER_OTLP[_TRACES]_INSECURE says, or whether the scheme is http.
        An endpoint that begins with https:// is always secure.
    :param credentials: refused: there is no grpcio here; give the files below.
    :param headers: sent with each call, in the place of those from the environment: a dict, pairs, or text as in the variable.
    :param timeout: seconds for a whole ``export``, retries included.
    :param compression: none (default), gzip, deflate or zstd.
    :param channel_options: grpcio's; ``grpc.primary_user_agent`` and ``grpc.default_authority`` do what they say, the others
        are ignored with a log line.
    :param retryable_error_codes: ignored with a log line: what OTLP lets be tried again is.
    :param headers_provider: a function that returns more headers, such as a token that expires; they override ``headers``. Called on
        a thread of its own: now, every ``headers_refresh`` seconds, and when the backend refuses (401, 403, UNAUTHENTICATED or
        PERMISSION_DENIED). Nothing is sent before its first answer; a request that is refused waits for newer headers, and is dropped
        once three of them were refused, too. Where it raises, the headers stay.
    :param headers_refresh: seconds between two calls; default: 300, at least 2.
    :param meter_provider: where the exporter's own metrics go, if OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED is true.
    :param certificate_file: PEM file (or directory) of the CAs to trust; default: the system's.
    :param client_key_file: PEM file of the client certificate's key.
    :param client_certificate_file: PEM file of the client certificate, which may hold the key as well.
    :param max_request_size: bytes before compression; a larger request is divided, a larger span dropped and counted. 0: no limit.
    :param endpoints: several endpoints of the same backend, in the place of ``endpoint``, as of
        ``spanwire.exporter.http.OTLPSpanExporter``.
    :param balance: which of them each call goes to, likewise.
    :param w3c_flags: also send the W3C flags of spans and links and the links' trace state, which the official exporter
        leaves out.
    :param durable: a folder, or a ``spanwire.durable.DurableQueue``: what waits in a ``BatchSpanProcessor`` of this exporter outlives
        the process. Default: SPANWIRE_DURABLE_PATH.
    :raises ValueError: if an option cannot work; the text says what can.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: object = None,
        headers: GrpcHeaders | None = None,
        timeout: float | None = None,
        compression: object = None,
        channel_options: Iterable[tuple[str, object]] | None = None,
        retryable_error_codes: Iterable[object] | None = None,
        *,
        meter_provider: "MeterProvider | None" = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        max_request_size: int | None = None,
        endpoints: "Sequence[str] | None" = None,
        balance: str | None = None,
        headers_provider: Callable[[], Mapping[str, str]] | None = None,
        headers_refresh: float | None = None,
        w3c_flags: bool = False,
        durable: "DurableQueue | str | os.PathLike[str] | None" = None,
    ) -> None:
        if credentials is not None:
            _refuse_credentials("credentials=")
        options = GrpcOptions.resolve(
            "traces",
            endpoint=endpoint,
            insecure=insecure,
            headers=headers,
            timeout=timeout,
            compression=compression,
            channel_options=channel_options,
            certificate_file=certificate_file,
            client_key_file=client_key_file,
            client_certificate_file=client_certificate_file,
            max_request_size=max_request_size,
            endpoints=endpoints,
            balance=balance,
        )
        provider = next((name for name in _CREDENTIAL_PROVIDERS if os.environ.get(name)), None)
        if provider is not None and not options.insecure:
            _refuse_credentials(provider)
        if retryable_error_codes or os.environ.get(_RETRYABLE_CODES):
            log.warn(
                "options.retryable_error_codes",
                "%s is ignored: calls are tried again after the codes for which OTLP allows it",
                "retryable_error_codes=" if retryable_error_codes else _RETRYABLE_CODES,
            )
        self._begin(
            options,
            component="otlp_grpc_span_exporter",
            meter_provider=meter_provider,
            w3c_flags=w3c_flags,
            headers_provider=headers_provider,
            headers_refresh=headers_refresh,
            durable=durable,
        )
        # Names that code written for the official exporter looks at.
        self._endpoint = options.endpoint.partition("://")[2]
        self._insecure = options.insecure
        self._headers = tuple(options.headers.items())
        self._compression = _COMPRESSIONS[options.compression]


def _refuse_credentials(what: str) -> NoReturn:
    raise ValueError(
        f"{what} is not supported: spanwire speaks gRPC without grpcio, whose credentials cannot be read. Give "
        "certificate_file= (the authorities to trust; default: the system's), client_certificate_file= and "
        "client_key_file= for TLS, headers= for tokens; where such credentials are indispensable, keep "
        "opentelemetry.exporter.otlp.proto.grpc for this exporter"
    )
