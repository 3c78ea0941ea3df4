"""Keywords and environment of the exporters, read as the official ones read them.

Precedence: keyword, the signal's own variable, the general variable, default. An empty variable counts as unset. What cannot
be understood in a variable is logged and the default taken; a keyword that cannot work raises ValueError.
"""

import math
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from spanwire import _native
from spanwire._settings import _defaults
from spanwire._telemetry import log
from spanwire.exporter._common.environment import COMPRESSIONS, DEFAULT_TIMEOUT, Environment, parse_headers

__all__ = [
    "DEFAULT_BALANCE",
    "DEFAULT_ENDPOINT",
    "DEFAULT_MAX_REQUEST_SIZE",
    "DEFAULT_TIMEOUT",
    "ExporterOptions",
    "HttpOptions",
    "parse_headers",
    "several",
]

DEFAULT_ENDPOINT = _defaults.text("exporter", "endpoint").removesuffix("/v1/traces")
DEFAULT_MAX_REQUEST_SIZE = _defaults.number("exporter", "max_request_size")  # bytes before compression
DEFAULT_BALANCE = _defaults.text("exporter", "balance")


@dataclass(frozen=True, slots=True)
class ExporterOptions:
    """What an exporter was told, resolved."""

    endpoint: str
    """Whole URL, as given."""
    headers: dict[str, str | bytes] = field(repr=False)
    """By lower-case name, defaults included."""
    timeout: float
    """Seconds for all tries of a request."""
    compression: str
    """``none``, ``gzip``, ``deflate`` or ``zstd``."""
    # Not shown: who gives a key itself in the place of its path must not find it in a log.
    certificate_file: str | None = field(repr=False)
    client_key_file: str | None = field(repr=False)
    client_certificate_file: str | None = field(repr=False)
    max_request_size: int
    """Bytes before compression; 0 or less: no limit."""
    others: tuple[str, ...] = ()
    """More endpoints that mean the same, as given."""
    balance: str = DEFAULT_BALANCE
    """How one of several is chosen."""
    variables: tuple[str, ...] = ()
    """Those of the environment that gave what the native client checks."""
    protocol: str = "http/protobuf"
    """As in OTEL_EXPORTER_OTLP_PROTOCOL."""

    def _bundle(self) -> str | None:
        """The variable with the authorities that the official exporter's library would take from the environment."""
        names = ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",) if self.protocol == "grpc" else _REQUESTS_BUNDLES
        return next((name for name in names if os.environ.get(name)), None)

    def client(self, *, w3c_flags: bool, fresh_headers: bool = False) -> _native.HttpClient:
        """A native client with these options; with ``fresh_headers`` it sends nothing before it has some.

        :raises ValueError: if the endpoint, a header or a TLS file cannot be used.
        """
        from spanwire.exporter._common import proxy as _proxy
        from spanwire.exporter._common import url as _url

        proxies: list[_proxy.Proxy | None] = []  # of one endpoint after the other

        def reached(endpoint: str) -> tuple[str, list[tuple[str, bytes]]]:
            url, credentials = _url.split_credentials(endpoint)
            headers = dict(self.headers)
            if credentials is not None:  # as requests does
                headers["authorization"] = credentials
            proxies.append(_proxy.proxy_for(url, self.protocol))
            return url, [(name, header_value(name, value)) for name, value in headers.items()]

        url, encoded = reached(self.endpoint)
        if self.client_key_file and not self.client_certificate_file:
            log.warn(
                "options.client_key",
                "client_key_file (OTEL_EXPORTER_OTLP_CLIENT_KEY) is of no use without client_certificate_file "
                "(OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE); it is ignored",
            )
        bundle = None if self.certificate_file else self._bundle()
        others = [reached(other) for other in self.others]
        try:
            return _native.HttpClient(
                url,
                headers=encoded,
                timeout=self.timeout,
                compression=self.compression,
                ca_file=self.certificate_file or (bundle and os.environ[bundle]),
                cert_file=self.client_certificate_file,
                key_file=self.client_key_file if self.client_certificate_file else None,
                max_request_size=self.max_request_size,
                w3c_flags=w3c_flags,
                protocol=self.protocol,
                others=others,
                balance=self.balance,
                proxies=[None if proxy is None else (proxy.url, proxy.authorization) for proxy in proxies],
                fresh_headers=fresh_headers,
            )
        except ValueError as error:
            named = {proxy.variable: None for proxy in proxies if proxy is not None}
            variables = _blamed(str(error), [*self.variables, *([bundle] if bundle else []), *named])
            if not variables:
                raise
            raise ValueError(f"{error} (from the environment: {', '.join(variables)})") from None


_REQUESTS_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class HttpOptions(ExporterOptions):
    """What an HTTP exporter was told."""

    __slots__ = ()

    @classmethod
    def resolve(
        cls,
        signal: str,
        *,
        endpoint: str | None,
        certificate_file: str | None,
        client_key_file: str | None,
        client_certificate_file: str | None,
        headers: Mapping[str, str | bytes | None] | None,
        timeout: float | None,
        compression: object,
        max_request_size: int | None,
        protocol: str = "http/protobuf",
        endpoints: Sequence[str] | None = None,
        balance: str | None = None,
    ) -> "HttpOptions":
        """Options of one signal (``traces``) from keywords and environment.

        :raises ValueError: if a keyword has a value that cannot work; the text says what can.
        """
        env = Environment(signal)
        expect("endpoint", endpoint, str, "a URL as text, such as http://localhost:4318/v1/traces")
        expect("headers", headers, Mapping, 'a dict such as {"x-tenant": "shop"}')
        all_of_them = several(endpoint, endpoints, balance)
        return cls(
            endpoint=all_of_them[0] if all_of_them else endpoint or env.endpoint(DEFAULT_ENDPOINT, f"v1/{signal}"),
            headers=_headers(headers, env.headers(), _CONTENT_TYPES[protocol]),
            timeout=env.timeout() if timeout is None else keyword_timeout(timeout),
            compression=env.compression() if compression is None else keyword_compression(compression),
            certificate_file=certificate_file or env.get("CERTIFICATE"),
            client_key_file=client_key_file or env.get("CLIENT_KEY"),
            client_certificate_file=client_certificate_file or env.get("CLIENT_CERTIFICATE"),
            max_request_size=keyword_size(max_request_size),
            others=all_of_them[1:],
            balance=balance or DEFAULT_BALANCE,
            variables=tuple(env.used),  # evaluated last
            protocol=protocol,
        )


_CONTENT_TYPES = {"http/protobuf": "application/x-protobuf", "http/json": "application/json"}


def several(endpoint: str | None, endpoints: Any, balance: str | None) -> tuple[str, ...]:
    """The endpoints that were given as several, if any; ValueError for what cannot work."""
    if endpoints is None:
        if balance is not None:
            raise ValueError("balance= chooses from several endpoints; give them as endpoints=[...]")
        return ()
    if endpoint is not None:
        raise ValueError("endpoint= and endpoints= exclude each other; give one of them")
    given = tuple(endpoints) if isinstance(endpoints, Iterable) and not isinstance(endpoints, str) else ()
    if not given or not all(isinstance(one, str) and one for one in given):
        raise ValueError(
            "endpoints= is not valid; give a list of at least one URL, such as "
            '["http://one:4318/v1/traces", "http://two:4318/v1/traces"]'
        )
    return given


# How messages of the native client begin, and how the names of variables end that they may be about.
_BLAMED = {
    "the endpoint ": ("_ENDPOINT",),
    "header ": ("_HEADERS",),
    "the proxy ": ("_proxy", "_PROXY"),
    "cannot read certificates ": ("_CERTIFICATE", "_CA_BUNDLE", "_ROOTS_FILE_PATH"),
    "a client certificate ": ("_CLIENT_CERTIFICATE", "_CLIENT_KEY"),
    "the client certificate ": ("_CLIENT_CERTIFICATE", "_CLIENT_KEY"),
}


def _blamed(message: str, variables: list[str]) -> list[str]:
    """Those of the variables that a message can be about."""
    ends = next((ends for begin, ends in _BLAMED.items() if message.startswith(begin)), ("",))
    found = [name for name in variables if name.endswith(ends)]
    # Of several files the one that is named; a PEM's text in the place of a path is not.
    named = [name for name in found if f'"{os.environ.get(name)}"' in message]
    return named or found


def _headers(
    keyword: Mapping[str, str | bytes | None] | None, environment: dict[str, str], content_type: str
) -> dict[str, str | bytes]:
    headers: dict[str, str | bytes | None] = {"content-type": content_type, "user-agent": user_agent()}
    headers.update(environment)
    if keyword:
        for name, value in keyword.items():
            expect("a header's name", name, str, "text")
            headers[name.lower()] = value
    # requests leaves a header out whose value is None
    return {name: value for name, value in headers.items() if value is not None}


def user_agent() -> str:
    """The distribution first, as the specification wants it."""
    from opentelemetry.sdk.version import __version__ as sdk_version

    return f"spanwire/{_native.__version__} OTel-OTLP-Exporter-Python/{sdk_version}"


def header_value(name: str, value: str | bytes) -> bytes:
    """A header's value as it is sent; ValueError for what is none."""
    if isinstance(value, bytes):
        return value.strip(b" \t")
    if not isinstance(value, str):
        raise ValueError(f"header {name!r} must be a str, not {type(value).__name__}")  # noqa: TRY004 - one kind for all
    value = value.strip(" \t")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape")


def expect(keyword: str, value: object, kind: type, instead: str) -> None:
    """Raises ValueError, as for all that cannot work, unless ``value`` is None or a ``kind``."""
    if value is not None and not isinstance(value, kind):
        # Its type alone: a header may be a secret.
        raise ValueError(f"{keyword} is of type {type(value).__name__}, which is not valid; give {instead}")


def keyword_timeout(timeout: float) -> float:
    """Seconds above 0; ValueError for all else."""
    try:
        seconds = float(timeout)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not seconds > 0:
        raise ValueError(f"timeout={timeout!r} is not valid; give a positive number of seconds")
    return seconds


def keyword_size(size: int | None) -> int:
    """Bytes, or the default; ValueError for what is no number of bytes."""
    if size is None:
        return DEFAULT_MAX_REQUEST_SIZE
    try:
        number = operator.index(size)
    except TypeError:
        number = -(1 << 64)
    if abs(number) >= 1 << 63:
        raise ValueError(f"max_request_size={size!r} is not valid; give a number of bytes, or 0 for no limit")
    return number


def keyword_compression(compression: object) -> str:
    """Its name in the environment; ValueError for what is none."""
    # Any enum with the right names: ours, the official exporters', their transports'.
    value = compression
    if isinstance(compression, Enum):
        value = {"NoCompression": "none"}.get(compression.name, compression.name)
        if isinstance(compression.value, str):
            value = compression.value
    if isinstance(value, str) and value.lower() in COMPRESSIONS:
        return value.lower()
    raise ValueError(
        f"compression={compression!r} is not known; use Compression.Gzip, .Zstd, .Deflate or .NoCompression"
    )
