"""Where commands send to: the URL and the headers that people type."""

from __future__ import annotations

from collections.abc import Iterable

import typer

__all__ = ["parse_headers", "traces_url"]


def traces_url(endpoint: str) -> str:
    """Traces go to /v1/traces unless a path is given."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(endpoint)
    except ValueError as error:
        raise typer.BadParameter(f"{endpoint!r} is no URL: {error}", param_hint="--endpoint") from None
    if parts.scheme not in ("http", "https"):
        raise typer.BadParameter(f"{endpoint!r} is no http:// or https:// URL", param_hint="--endpoint")
    return endpoint.rstrip("/") + "/v1/traces" if parts.path in ("", "/") and not parts.query else endpoint


def parse_headers(given: Iterable[str]) -> dict[str, str]:
    """Headers from NAME=VALUE. Values can be secrets, so none is shown."""
    headers = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{name!r} is no NAME=VALUE", param_hint="--header")
        headers[name.strip()] = value.strip()
    return headers
