"""What an endpoint says to a request that holds nothing of ours: no header, no credential, no span.

So it may be asked also where no trust is, and says what the exporter's own client does not tell: what is spoken there, and what time it
is.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from spanwire.cli._doctor._way import opened

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Address, Context

__all__ = ["Probe", "probe", "unchecked"]

_MOST_BYTES = 16_384
_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What was seen."""

    spoken: str
    """``http``, ``http2``, ``tls`` (an alert to what was no TLS), ``other``; empty: nothing was said."""
    skew: float | None = None
    """Seconds that this machine's clock is ahead of the server's, to a second or two; None: it tells no time."""


def probe(context: Context, address: Address | None = None, *, scheme: str = "") -> Probe:
    """Ask, within a second for all of it; by TLS if the endpoint is ``https``."""
    address = address or context.reachable[0]
    scheme = scheme or (context.target.scheme if context.target is not None else "http")
    host = context.target.host if context.target is not None else "localhost"
    path = context.target.path if context.target is not None else "/"
    if not (path.isascii() and path.isprintable() and " " not in path):
        path = "/"
    name = f"[{host}]" if ":" in host else host
    credentials = ""
    proxy = context.proxy if context.target is not None else None
    if proxy is not None and context.target is not None and not context.tunnels:
        path = f"http://{name}:{context.target.port}{path}"
        if proxy.authorization is not None:
            credentials = f"Proxy-Authorization: {proxy.authorization.decode('ascii')}\r\n"
    question = f"GET {path} HTTP/1.1\r\nHost: {name}\r\n{credentials}Connection: close\r\n\r\n".encode(
        "ascii", "replace"
    )
    limit = min(_SECONDS, context.timeout)
    until = time.monotonic() + limit
    data = b""
    begin = time.time()
    with contextlib.suppress(OSError, ValueError), contextlib.ExitStack() as stack:
        connection: socket.socket = stack.enter_context(opened(context, address, limit))
        if scheme == "https":
            connection = stack.enter_context(unchecked().wrap_socket(connection, server_hostname=host))
        begin = time.time()
        connection.sendall(question)
        while b"\r\n\r\n" not in data and len(data) < _MOST_BYTES and (piece := connection.recv(4096)):
            data += piece
            if data[:5] != b"HTTP/"[: len(data[:5])] and len(data) >= 9:
                break  # no HTTP: what it is can be seen
            connection.settimeout(max(0.001, until - time.monotonic()))
    return Probe(_spoken(data), _skew(data, begin, time.time()))


def unchecked(protocol: str = "http/1.1") -> ssl.SSLContext:
    """TLS without trust: for connections over which nothing secret goes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context


def _spoken(data: bytes) -> str:
    if data[:2] == b"\x15\x03":  # an alert
        return "tls"
    if data[:1] == b"\0" and data[3:4] in {b"\x04", b"\x07"}:  # SETTINGS or GOAWAY
        return "http2"
    if data.startswith(b"HTTP/1."):
        return "http"
    return "other" if data else ""


def _skew(data: bytes, begin: float, end: float) -> float | None:
    """By the header Date, which has whole seconds and was written between the two times."""
    head, _, _ = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"date":
            try:
                told = parsedate_to_datetime(value.decode("ascii").strip())
                told = told if told.tzinfo is not None else told.replace(tzinfo=timezone.utc)
                seconds = (told - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()
            except (ValueError, TypeError, IndexError, OverflowError):
                return None
            # The nearest that may be true: none, if it fits.
            return begin - seconds - 1 if begin > seconds + 1 else end - seconds if end < seconds else 0.0
    return None
