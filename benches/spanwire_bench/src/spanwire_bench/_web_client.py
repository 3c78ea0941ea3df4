"""The other end of ``_web_server``: starts it, steers it, and sends it requests, one after the other."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from spanwire_bench import _web_server
from spanwire_bench._measure import pinned
from spanwire_bench._web_apps import PATH

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Refused", "WebServer"]

_REQUEST = f"GET {PATH} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n".encode()


class Refused(Exception):
    """The server ended, or answered anything but what was asked for; the text says what."""


class WebServer:
    """A server process on ``core`` (None: wherever) and one connection to it; a context manager. Methods raise Refused."""

    def __init__(self, framework: str, endpoint: str, core: int | None) -> None:
        self._command = [sys.executable, "-m", _web_server.__name__, framework, endpoint]
        self._core = core
        self._process: subprocess.Popen[str] | None = None
        self._connection: socket.socket | None = None
        self._port = 0

    def __enter__(self) -> Self:
        with pinned(self._core):
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
                start_new_session=True,  # a terminal's Ctrl-C is for us alone; it ends with its stdin
            )
        self._port = self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disconnect()
        if self._process is not None:
            self._process.communicate(timeout=30)  # closes its stdin, which ends it

    def ask(self, question: str) -> Any:
        """What it answers to a line."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        return self._answer()

    def _answer(self) -> Any:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Refused(f"the server ended with status {self._process.wait()}")
        return json.loads(line)

    def load(self, requests: int) -> None:
        """So many requests; the connection is kept if the server keeps it."""
        for _ in range(requests):
            head = self._request()
            if b"connection: close" in head.lower():
                self._disconnect()

    def _request(self) -> bytes:
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sendall(_REQUEST)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            raise Refused(f"the server answered {head.splitlines()[0].decode(errors='replace')}")
        (length,) = (int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self._receive()
        return head

    def _receive(self) -> bytes:
        assert self._connection is not None
        if not (some := self._connection.recv(1 << 16)):
            raise Refused("the server closed the connection without an answer")
        return some

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
