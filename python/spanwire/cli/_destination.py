"""Where commands send to: the URL and the headers that people type, and the client that they make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spanwire._native import HttpClient

__all__ = ["EndpointOption", "ProtocolOption", "destination_client", "parse_headers", "traces_url"]

EndpointOption = Annotated[
    str | None,
    typer.Option(
        help="Where to send. Default: what the environment says, as for the exporter. Over HTTP a URL with a path is taken whole; over gRPC "
        "host and port suffice."
    ),
]
ProtocolOption = Annotated[
    str | None,
    typer.Option(
        help="http/protobuf, http/json or grpc. [default: what OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_PROTOCOL say, else http/protobuf]"
    ),
]


def destination_client(
    endpoint: str | None,
    headers: Iterable[str],
    compression: str | None,
    timeout: float | None = None,
    protocol: str | None = None,
) -> HttpClient:
    """What sends spans as was typed; what was not is as the variables say, read as the exporter of that protocol reads them.

    :raises typer.BadParameter: if it cannot work.
    """
    from spanwire.exporter._common.protocol import configured_protocol, options_for
    from spanwire.exporter._common.protocols import GRPC, PROTOCOLS

    spoken = configured_protocol() if protocol is None else protocol
    if spoken not in PROTOCOLS:
        raise typer.BadParameter(
            f"protocol {spoken!r} is not spoken here; there are {', '.join(PROTOCOLS)}",
            param_hint="OTEL_EXPORTER_OTLP_PROTOCOL" if protocol is None else "--protocol",
        )
    if endpoint is not None and spoken != GRPC:
        endpoint = traces_url(endpoint)
    try:
        options = options_for(
            spoken,
            endpoint=endpoint,
            headers=parse_headers(headers) or None,
            timeout=timeout,
            compression=compression,
        )
        return options.client(w3c_flags=False)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def traces_url(endpoint: str) -> str:
    """Traces go to /v1/traces unless a path is given."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(endpoint)
    except ValueError:  # whose text may have the password
        raise typer.BadParameter(
            f"{_shown(endpoint)!r} is no URL: its host cannot be read", param_hint="--endpoint"
        ) from None
    if parts.scheme not in ("http", "https", "http+unix"):
        raise typer.BadParameter(
            f"{_shown(endpoint)!r} is no http:// or https:// URL; give one such as http://localhost:4318",
            param_hint="--endpoint",
        )
    return endpoint.rstrip("/") + "/v1/traces" if parts.path in ("", "/") and not parts.query else endpoint


def parse_headers(given: Iterable[str]) -> dict[str, str]:
    """Headers from NAME=VALUE. Values can be secrets, so none is shown."""
    headers = {}
    for number, one in enumerate(given, 1):
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(
                f"number {number} is no NAME=VALUE, such as x-tenant=shop (not shown: it may be a secret)",
                param_hint="--header",
            )
        headers[name.strip()] = value.strip()
    return headers


def _shown(endpoint: str) -> str:
    """The URL without what may be secret in it: user and password, and a query."""
    scheme, separator, rest = endpoint.partition("://")
    if not separator:
        scheme, rest = "", endpoint
    end = min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))
    return scheme + separator + rest[:end].rpartition("@")[2] + rest[end:].partition("?")[0]
