"""Keywords and environment of the gRPC exporters, read as the official ones read them: see :mod:`spanwire.exporter._common.options`."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from spanwire._settings import _defaults
from spanwire._telemetry import log
from spanwire.exporter._common.environment import Environment, parse_headers
from spanwire.exporter._common.options import (
    DEFAULT_BALANCE,
    ExporterOptions,
    expect,
    keyword_compression,
    keyword_size,
    keyword_timeout,
    several,
    user_agent,
)

__all__ = ["DEFAULT_ENDPOINT", "GrpcHeaders", "GrpcOptions"]

DEFAULT_ENDPOINT = _defaults.text("gRPC exporter", "endpoint")
_PLAIN_PORT = 4317
_UNIX = "unix:"
_SCHEMES = {"http", "https"}

GrpcHeaders = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]] | str

# What of grpcio's options has a meaning here.
_USER_AGENT = "grpc.primary_user_agent"
_AUTHORITY = "grpc.default_authority"

# The numbers of grpcio's Compression.
_COMPRESSIONS = {0: "none", 1: "deflate", 2: "gzip"}


@dataclass(frozen=True)
class GrpcOptions(ExporterOptions):
    """What a gRPC exporter was told, resolved."""

    insecure: bool = False
    """Without TLS, at all endpoints."""

    @classmethod
    def resolve(
        cls,
        signal: str,
        *,
        endpoint: str | None,
        insecure: bool | None,
        headers: GrpcHeaders | None,
        timeout: float | None,
        compression: object,
        channel_options: Iterable[tuple[str, object]] | None,
        certificate_file: str | None,
        client_key_file: str | None,
        client_certificate_file: str | None,
        max_request_size: int | None,
        endpoints: Sequence[str] | None = None,
        balance: str | None = None,
    ) -> "GrpcOptions":
        """Options of one signal (``traces``) from keywords and environment.

        :raises ValueError: if a keyword has a value that cannot work; the text says what can.
        """
        env = Environment(signal)
        expect("endpoint", endpoint, str, "host and port as text, such as localhost:4317 or https://collector:4317")
        given = several(endpoint, endpoints, balance) or (endpoint or env.endpoint(DEFAULT_ENDPOINT),)
        targets = [(one, _is_insecure(one, insecure, signal)) for one in map(str.strip, given)]
        urls = tuple(_url(one, is_insecure=is_insecure) for one, is_insecure in targets)
        own = _headers(headers) if headers else env.headers()
        merged: dict[str, str | bytes] = {"user-agent": user_agent(), **own, **_from_channel(channel_options)}
        return cls(
            endpoint=urls[0],
            headers=merged,
            # Here 0 counts as not given, as for the official exporter.
            timeout=keyword_timeout(timeout) if timeout else env.timeout(),
            compression=env.compression() if compression is None else _compression(compression),
            certificate_file=certificate_file or env.get("CERTIFICATE"),
            client_key_file=client_key_file or env.get("CLIENT_KEY"),
            client_certificate_file=client_certificate_file or env.get("CLIENT_CERTIFICATE"),
            max_request_size=keyword_size(max_request_size),
            others=urls[1:],
            balance=balance or DEFAULT_BALANCE,
            variables=tuple(env.used),  # evaluated last
            protocol="grpc",
            insecure=all(is_insecure for _, is_insecure in targets),
        )


def _is_insecure(endpoint: str, keyword: bool | None, signal: str) -> bool:
    """As the official exporter decides: https is always TLS; then keyword, variables, and whether the scheme is http.

    A socket of this machine has no TLS at all.
    """
    if endpoint.startswith(_UNIX):
        return True
    scheme = endpoint.partition("://")[0].lower() if "://" in endpoint else ""
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_INSECURE")
    if keyword is None and own:
        keyword = own.strip().lower() == "true"
    if scheme == "https":
        return False
    if keyword is not None:
        return keyword
    general = os.environ.get("OTEL_EXPORTER_OTLP_INSECURE")
    if general:
        return general.strip().lower() == "true"
    return scheme == "http"


def _url(endpoint: str, *, is_insecure: bool) -> str:
    """A target of grpcio's, or a URL whose path has no meaning, as a URL of scheme, host and port."""
    if endpoint.startswith(_UNIX):
        from urllib.parse import quote

        path = endpoint.removeprefix(_UNIX)
        return f"http+unix://{quote(path.removeprefix('//'), safe='')}"
    for begin in ("dns:///", "dns:", "ipv4:", "ipv6:"):
        if endpoint.startswith(begin):
            endpoint = endpoint.removeprefix(begin)
            if begin == "dns:" and endpoint.startswith("//"):
                raise ValueError(
                    "an endpoint dns://SERVER/HOST names a name server of its own, which spanwire does not ask; give dns:///HOST:PORT, "
                    "or host and port"
                )
            break
    scheme, separator, rest = endpoint.partition("://")
    if separator and scheme.lower() not in _SCHEMES:
        raise ValueError(
            f"the scheme {scheme.rpartition('@')[2]!r} of the endpoint is not known; give host and port, such as localhost:4317, or a "
            "URL that begins with http:// or https://"
        )
    target = rest if separator else endpoint
    end = min((at for mark in "/?#" if (at := target.find(mark)) >= 0), default=len(target))
    authority = target[:end]
    host = authority.rpartition("@")[2]
    if host and is_insecure and not host.rpartition("]")[2].partition(":")[2]:
        authority = f"{authority.removesuffix(':')}:{_PLAIN_PORT}"
    return f"{'http' if is_insecure else 'https'}://{authority}"


def _headers(given: GrpcHeaders) -> dict[str, str | bytes]:
    if isinstance(given, str):
        return dict(parse_headers(given, "headers="))
    expect("headers", given, Iterable, 'a dict such as {"x-tenant": "shop"}, pairs, or text such as "x-tenant=shop"')
    pairs = given.items() if isinstance(given, Mapping) else given
    headers: dict[str, str | bytes] = {}
    try:
        for name, value in pairs:
            expect("a header's name", name, str, "text")
            headers[name.lower()] = binary(value) if name.lower().endswith("-bin") else value
    except (TypeError, ValueError) as error:
        if isinstance(error, ValueError) and "is of type" in str(error):
            raise
        raise ValueError("headers are not valid; give a dict, or pairs of texts, such as x-tenant and shop") from None
    return headers


def binary(value: str | bytes) -> str | bytes:
    """Values of such headers go out in base64."""
    if not isinstance(value, bytes):
        return value
    from binascii import b2a_base64

    return b2a_base64(value, newline=False).rstrip(b"=")


def _compression(compression: object) -> str:
    if isinstance(compression, int) and not isinstance(compression, (bool, Enum)):
        compression = _COMPRESSIONS.get(compression, compression)
    return keyword_compression(compression)


def _from_channel(options: Iterable[tuple[str, object]] | None) -> dict[str, str | bytes]:
    """What of grpcio's channel options is done by headers. The others tune grpcio, which is not here: said once, and ignored."""
    found: dict[str, str | bytes] = {}
    ignored = []
    for name, value in options or ():
        if name == _USER_AGENT:
            found["user-agent"] = f"{value} {user_agent()}"
        elif name == _AUTHORITY:
            found["host"] = str(value)
        else:
            ignored.append(str(name))
    if ignored:
        log.warn(
            "options.channel_options",
            "channel_options are grpcio's, which spanwire does without; ignored: %s",
            ", ".join(sorted(ignored)),
        )
    return found
