"""Keywords and environment of the exporters, read as the official ones read them.

Precedence: keyword, the signal's own variable, the general variable, default. An empty variable counts as unset. What cannot
be understood in a variable is logged and the default taken; a keyword that cannot work raises ValueError.
"""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from spanwire import _log, _native

__all__ = ["DEFAULT_ENDPOINT", "DEFAULT_MAX_REQUEST_SIZE", "DEFAULT_TIMEOUT", "HttpOptions", "parse_headers"]

DEFAULT_ENDPOINT = "http://localhost:4318"
DEFAULT_TIMEOUT = 10.0  # seconds
DEFAULT_MAX_REQUEST_SIZE = 64 << 20  # bytes before compression

# What RFC 9110 and W3C Baggage allow; the same characters as opentelemetry.util.re.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_NAME = frozenset(_LETTERS + "!#$%&'*+-.^_`|~")
_VALUE = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')
_SPACED_VALUE = _VALUE | {" "}


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What an HTTP exporter was told, resolved."""

    endpoint: str
    """Whole URL, as given."""
    headers: dict[str, str | bytes] = field(repr=False)
    """By lower-case name, defaults included."""
    timeout: float
    """Seconds for all tries of a request."""
    compression: str
    """``none``, ``gzip`` or ``deflate``."""
    # Not shown: who gives a key itself in the place of its path must not find it in a log.
    certificate_file: str | None = field(repr=False)
    client_key_file: str | None = field(repr=False)
    client_certificate_file: str | None = field(repr=False)
    max_request_size: int
    """Bytes before compression; 0 or less: no limit."""
    variables: tuple[str, ...] = ()
    """Those of the environment that gave what the native client checks."""

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
    ) -> "HttpOptions":
        """Options of one signal (``traces``) from keywords and environment.

        :raises ValueError: if a keyword has a value that cannot work; the text says what can.
        """
        env = _Environment(signal)
        _expect("endpoint", endpoint, str, "a URL as text, such as http://localhost:4318/v1/traces")
        _expect("headers", headers, Mapping, 'a dict such as {"x-tenant": "shop"}')
        return cls(
            endpoint=endpoint or env.endpoint(),
            headers=_headers(headers, env.headers()),
            timeout=env.timeout() if timeout is None else _keyword_timeout(timeout),
            compression=env.compression() if compression is None else _keyword_compression(compression),
            certificate_file=certificate_file or env.get("CERTIFICATE"),
            client_key_file=client_key_file or env.get("CLIENT_KEY"),
            client_certificate_file=client_certificate_file or env.get("CLIENT_CERTIFICATE"),
            max_request_size=DEFAULT_MAX_REQUEST_SIZE if max_request_size is None else max_request_size,
            variables=tuple(env.used),  # evaluated last
        )

    def client(self, *, w3c_flags: bool) -> _native.HttpClient:
        """A native client with these options.

        :raises ValueError: if the endpoint, a header or a TLS file cannot be used.
        """
        from spanwire.exporter import _url

        url, credentials = _url.split_credentials(self.endpoint)
        headers = dict(self.headers)
        if credentials is not None:  # as requests does
            headers["authorization"] = credentials
        _url.warn_of_proxy(url)
        if self.client_key_file and not self.client_certificate_file:
            _log.warn(
                "options.client_key",
                "client_key_file (OTEL_EXPORTER_OTLP_CLIENT_KEY) is of no use without client_certificate_file "
                "(OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE); it is ignored",
            )
        bundle = None if self.certificate_file else _requests_bundle()
        encoded = [(name, _encoded(name, value)) for name, value in headers.items()]
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
            )
        except ValueError as error:
            variables = _blamed(str(error), [*self.variables, *([bundle] if bundle else [])])
            if not variables:
                raise
            raise ValueError(f"{error} (from the environment: {', '.join(variables)})") from None


# How messages of the native client begin, and how the names of variables end that they may be about.
_BLAMED = {
    "the endpoint ": ("_ENDPOINT",),
    "header ": ("_HEADERS",),
    "cannot read certificates ": ("_CERTIFICATE", "_CA_BUNDLE"),
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


class _Environment:
    """OTEL_EXPORTER_OTLP_* of one signal."""

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self.used: list[str] = []
        """Variables that gave something which is checked later."""

    def find(self, name: str) -> tuple[str, str]:
        """The variable that has it, and what it says; the last one's name and nothing if none does."""
        general = f"OTEL_EXPORTER_OTLP_{name}"
        own = f"OTEL_EXPORTER_OTLP_{self._signal.upper()}_{name}"
        return next(((one, text) for one in (own, general) if (text := os.environ.get(one))), (general, ""))

    def get(self, name: str) -> str | None:
        variable, text = self.find(name)
        if text:
            self.used.append(variable)
        return text or None

    def endpoint(self) -> str:
        variable, text = self.find("ENDPOINT")
        if text:
            self.used.append(variable)
        if variable != "OTEL_EXPORTER_OTLP_ENDPOINT":
            return text
        return f"{(text or DEFAULT_ENDPOINT).removesuffix('/')}/v1/{self._signal}"

    def headers(self) -> dict[str, str]:
        variable, text = self.find("HEADERS")
        if not text:
            return {}
        self.used.append(variable)
        return parse_headers(text, variable)

    def timeout(self) -> float:
        variable, text = self.find("TIMEOUT")
        if not text:
            return DEFAULT_TIMEOUT
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if seconds > 0:
            return seconds
        _log.warn(
            "options.timeout",
            "Invalid timeout %r in %s: a number of seconds above 0 is needed; using %s",
            text,
            variable,
            DEFAULT_TIMEOUT,
        )
        return DEFAULT_TIMEOUT

    def compression(self) -> str:
        variable, text = self.find("COMPRESSION")
        text = (text or "none").lower().strip()
        if text in ("none", "gzip", "deflate"):
            return text
        _log.warn(
            "options.compression",
            "Unsupported compression %r in %s, using none; there are gzip and deflate",
            text,
            variable,
        )
        return "none"


def parse_headers(text: str, variable: str = "OTEL_EXPORTER_OTLP_HEADERS") -> dict[str, str]:
    """Headers from ``OTEL_EXPORTER_OTLP_HEADERS``: W3C Baggage without properties, values percent-decoded.

    A value with spaces is taken as it stands, as by the official exporter. What is no header is left out with a log line
    that does not show its value.
    """
    headers = {}
    for number, item in enumerate(text.split(","), 1):
        if not item.strip(" \t"):
            continue
        name, equals, value = item.strip().partition("=")
        name, value = name.strip(" \t"), value.strip(" \t")
        if not equals or not name or not _NAME.issuperset(name) or not _SPACED_VALUE.issuperset(value):
            _log.warn(
                "options.headers",
                "Header %d in %s is ignored: it must be name=value, percent-encoded where it has commas, semicolons, "
                "quotes, backslashes or non-ASCII characters",
                number,
                variable,
            )
            continue
        if _VALUE.issuperset(value):
            from urllib.parse import unquote

            name, value = unquote(name).strip(), unquote(value).strip()
        headers[name.lower()] = value
    return headers


def _headers(keyword: Mapping[str, str | bytes | None] | None, environment: dict[str, str]) -> dict[str, str | bytes]:
    headers: dict[str, str | bytes | None] = {"content-type": "application/x-protobuf", "user-agent": _user_agent()}
    headers.update(environment)
    if keyword:
        for name, value in keyword.items():
            _expect("a header's name", name, str, "text")
            headers[name.lower()] = value
    # requests leaves a header out whose value is None
    return {name: value for name, value in headers.items() if value is not None}


def _user_agent() -> str:
    from opentelemetry.sdk.version import __version__ as sdk_version

    return f"spanwire/{_native.__version__} OTel-OTLP-Exporter-Python/{sdk_version}"


def _encoded(name: str, value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value.strip(b" \t")
    if not isinstance(value, str):
        raise ValueError(f"header {name!r} must be a str, not {type(value).__name__}")  # noqa: TRY004 - one kind for all
    value = value.strip(" \t")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape")


def _expect(keyword: str, value: object, kind: type, instead: str) -> None:
    """Raises ValueError, as for all that cannot work, unless ``value`` is None or a ``kind``."""
    if value is not None and not isinstance(value, kind):
        # Its type alone: a header may be a secret.
        raise ValueError(f"{keyword} is of type {type(value).__name__}, which is not valid; give {instead}")


def _keyword_timeout(timeout: float) -> float:
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        seconds = math.nan
    if not seconds > 0:
        raise ValueError(f"timeout={timeout!r} is not valid; give a positive number of seconds")
    return seconds


def _keyword_compression(compression: object) -> str:
    # Any enum with the right value: ours, the official exporter's, its transport's.
    value = compression.value if isinstance(compression, Enum) else compression
    if isinstance(value, str) and value.lower() in ("none", "gzip", "deflate"):
        return value.lower()
    raise ValueError(f"compression={compression!r} is not known; use Compression.Gzip, .Deflate or .NoCompression")


def _requests_bundle(names: Iterable[str] = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")) -> str | None:
    """The variable with the CA bundle that the official exporter's HTTP library would take from the environment."""
    return next((name for name in names if os.environ.get(name)), None)
