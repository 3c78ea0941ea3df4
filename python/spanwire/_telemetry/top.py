"""Serves counts for ``spanwire top`` where the environment asks for it; the socket's module is loaded only then."""

import os

__all__ = ["serve_if_asked"]


def serve_if_asked() -> None:
    """Open the socket named by SPANWIRE_TOP_SOCKET, once."""
    if os.environ.get("SPANWIRE_TOP_SOCKET"):
        from spanwire._telemetry import top_socket

        top_socket.serve_if_asked()
