"""A connection of our own to the endpoint, by the way that the exporter takes: through a proxy where one is named."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Address, Context

__all__ = ["opened"]

_MOST_BYTES = 16_384


def opened(context: Context, address: Address, timeout: float) -> socket.socket:
    """Connected to the endpoint; with a proxy that only passes requests on, to that.

    :raises OSError: if there is no way. A proxy behind TLS is not asked: what it shows was judged by the exporter alone.
    """
    proxy = context.proxy if context.target is not None else None
    if proxy is not None and proxy.url.lower().startswith("https:"):
        raise OSError("the proxy is behind TLS")
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(address.where)
        if proxy is not None and context.tunnels:
            _ask(connection, context, proxy.authorization)
    except BaseException:
        connection.close()
        raise
    return connection


def _ask(connection: socket.socket, context: Context, authorization: bytes | None) -> None:
    assert context.target is not None
    host = f"[{context.target.host}]" if ":" in context.target.host else context.target.host
    where = f"{host}:{context.target.port}".encode("ascii", "replace")
    said = b"Proxy-Authorization: " + authorization + b"\r\n" if authorization is not None else b""
    connection.sendall(b"CONNECT " + where + b" HTTP/1.1\r\nHost: " + where + b"\r\n" + said + b"\r\n")
    head = b""
    # By single bytes: what follows is the endpoint's.
    while not head.endswith(b"\r\n\r\n") and len(head) < _MOST_BYTES and (piece := connection.recv(1)):
        head += piece
    if not (head.startswith(b"HTTP/1.") and head[9:10] == b"2" and head.endswith(b"\r\n\r\n")):
        raise OSError("the proxy opens no way")
