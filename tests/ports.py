"""Ports for servers that come later, and ports where nobody is."""

import random
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress

__all__ = ["free_port", "refusing"]

# Below those that the system gives to whoever asks for any, clients of other tests included.
_OURS = range(20_000, 32_000)


def free_port() -> int:
    """One where nobody listens for now, and that no client is given meanwhile."""
    for number in random.SystemRandom().sample(_OURS, 100):
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", number))
            return number
    raise OSError("no port is free")


@contextmanager
def refusing() -> Generator[int, None, None]:
    """One that refuses connections as long as it lasts: it is somebody's, who does not listen."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
