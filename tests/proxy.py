"""A small HTTP proxy on real sockets: the absolute form, CONNECT, credentials, and faults to order."""

import contextlib
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from typing_extensions import Self

__all__ = ["Asked", "HttpProxy"]

_MOST_HEAD = 65_536
_SECONDS = 20.0


@dataclass(frozen=True)
class Asked:
    """One request as the proxy read it."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    """By lower-case name."""


class HttpProxy:
    """Serves on a free port of 127.0.0.1 until the end of ``with``.

    :param user: ``name:password`` that it wants, else 407.
    :param fault: is given each connection before anything is read, and does what it likes; true: nothing else is done.
    :param status: answers so in the place of passing on, as ``403 Forbidden``.
    :param tls: speaks TLS to its clients.
    :ivar asked: all requests, in order of arrival.
    :ivar connections: how many clients came.
    """

    def __init__(
        self,
        *,
        user: str = "",
        fault: Callable[[socket.socket], bool] | None = None,
        status: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.wanted = f"Basic {b64encode(user.encode()).decode('ascii')}" if user else ""
        self._fault, self.status, self._tls = fault, status, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{f'{user}@' if user else ''}127.0.0.1:{self.port}"
        self.name = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.asked: list[Asked] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._open)
        for one in left:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _kept(self, one: socket.socket) -> socket.socket:
        with self._lock:
            self._open.add(one)
        one.settimeout(_SECONDS)
        return one

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client:
            self._kept(client)
            if self._fault is not None and self._fault(client):
                return
            spoken = self._tls.wrap_socket(client, server_side=True) if self._tls is not None else client
            with self._kept(spoken):
                while self._answered(spoken):
                    pass

    def _answered(self, client: socket.socket) -> bool:
        """One request; whether another may follow."""
        head, rest = _read_head(client)
        if not head:
            return False
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        self.asked.append(Asked(method, target, headers))
        length = int(headers.get("content-length", "0"))
        while len(rest) < length and (piece := client.recv(65_536)):
            rest += piece
        if self.wanted and headers.get("proxy-authorization") != self.wanted:
            _refuse(client, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic\r\n")
            return method != "CONNECT"
        if self.status:
            _refuse(client, self.status)
            return method != "CONNECT"
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            self._tunnel(client, host.strip("[]"), int(port), rest)
            return False
        self._forward(client, method, target, lines[1:], rest)
        return True

    def _forward(self, client: socket.socket, method: str, target: str, lines: list[str], body: bytes) -> None:
        url = urlsplit(target)
        if url.scheme != "http":
            _refuse(client, "400 Not the absolute form")
            return
        try:
            upstream = socket.create_connection((url.hostname or "", url.port or 80), timeout=_SECONDS)
        except OSError:
            _refuse(client, "502 Bad Gateway")
            return
        passed = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
        path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
        question = "\r\n".join([f"{method} {path} HTTP/1.1", *passed, "Via: 1.1 tests", "Connection: close", "", ""])
        with self._kept(upstream):
            upstream.sendall(question.encode("latin-1") + body)
            while piece := upstream.recv(65_536):
                client.sendall(piece)

    def _tunnel(self, client: socket.socket, host: str, port: int, rest: bytes) -> None:
        try:
            upstream = socket.create_connection((host, port), timeout=_SECONDS)
        except OSError:
            _refuse(client, "502 Bad Gateway")
            return
        with self._kept(upstream):
            client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 tests\r\n\r\n")
            upstream.sendall(rest)
            back = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
            back.start()
            _copy(client, upstream)
            back.join(_SECONDS)


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65_536)
        if not piece or len(data) > _MOST_HEAD:
            return b"", b""
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _refuse(client: socket.socket, status: str, header: str = "") -> None:
    client.sendall(f"HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\n\r\n".encode("ascii"))


def _copy(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while piece := source.recv(65_536):
            to.sendall(piece)
    for one in (source, to):  # either end is the end of both
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
