"""Backends that are dead, each in its own way. Context managers of the endpoint."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["refused", "silent"]


@contextmanager
def refused() -> Iterator[str]:
    """Nobody listens: connections are refused, and nobody else gets the port meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield _endpoint(held.getsockname()[1])


@contextmanager
def silent() -> Iterator[str]:
    """Connections are taken and requests read, and never answered."""
    with _Silent(("127.0.0.1", 0), _Swallow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield _endpoint(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


class _Silent(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class _Swallow(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while self.request.recv(1 << 16):
            pass


def _endpoint(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1/traces"
