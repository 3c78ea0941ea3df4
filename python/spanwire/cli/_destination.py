"""Where commands send to: the URL and the headers that people type, and the client that they make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from spanwire._native import HttpClient

__all__ = ["destination_client", "parse_headers", "traces_url"]


def destination_client(
    endpoint: str | None, headers: Iterable[str], compression: str | None, timeout: float | None = None
) -> HttpClient:
    """What sends spans over HTTP as was typed; what was not is as the variables say.

    :raises typer.BadParameter: if it cannot work.
    """
    from spanwire.exporter._options import HttpOptions

    try:
        options = HttpOptions.resolve(
            "traces",
            endpoint=None if endpoint is None else traces_url(endpoint),
            certificate_file=None,
            client_key_file=None,
            client_certificate_file=None,
            headers=parse_headers(headers) or None,
            timeout=timeout,
            compression=compression,
            max_request_size=None,
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
    if parts.scheme not in ("http", "https"):
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
