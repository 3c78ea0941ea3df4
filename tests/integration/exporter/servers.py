"""A small HTTP server that does on purpose what good servers do not: each request is answered by the next of a script."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence

from typing_extensions import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"

Act = Callable[[socket.socket], bool]
"""Answers one request on its connection; whether the connection stays open."""


def answer(data: bytes, *, keep: bool = True) -> Act:
    def act(connection: socket.socket) -> bool:
        connection.sendall(data)
        return keep

    return act


def reset(data: bytes = b"") -> Act:
    """Sends ``data`` and then resets the connection."""

    def act(connection: socket.socket) -> bool:
        connection.sendall(data)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return False

    return act


class ScriptedServer:
    """Serves on a free port; after the script every request is answered with 200.

    :ivar bodies: bodies of all requests, in order of arrival.
    :ivar heads: their request lines and headers.
    :ivar connections: how many connections were accepted.
    """

    def __init__(
        self, script: Sequence[Act] = (), *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._script = list(script)
        self._tls = tls
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        self.connections = 0
        self.arrived = threading.Condition(self._lock)
        self.port = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.endpoint = f"http://{shown}:{self.port}/v1/traces"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the listener and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()
        for thread in self._threads:
            thread.join(10)

    def close_connections(self) -> None:
        """Closes every open connection, as a server does with idle ones."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def wait_for_request(self, number: int, timeout: float = 60.0) -> None:
        """Waits until ``number`` requests have come whole."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.bodies) >= number, timeout), f"{len(self.bodies)} came"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self.connections += 1
                self._open.append(connection)
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls is not None:
            plain, connection = connection, self._tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open[self._open.index(plain)] = connection
        with connection, contextlib.suppress(OSError):
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    if not (piece := connection.recv(65536)):
                        return
                    buffer += piece
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                lengths = (x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:"))
                length = int(next(lengths, b"content-length:0")[15:])  # a GET has none
                while len(buffer) < length:
                    if not (piece := connection.recv(65536)):
                        return
                    buffer += piece
                with self.arrived:
                    self.heads.append(head.decode("latin-1"))
                    self.bodies.append(buffer[:length])
                    act = self._script.pop(0) if self._script else answer(OK)
                    self.arrived.notify_all()
                buffer = buffer[length:]
                if not act(connection):
                    return
