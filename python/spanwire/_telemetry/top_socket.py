"""What ``spanwire top`` reads: the counts of this process, a line of JSON for each connection to a local socket.

Off unless asked for. Nothing is read from a connection, and each is closed after its line, so nobody can hold the thread for
more than a second or make it grow.
"""

import _socket
import _thread
import atexit
import contextlib
import errno
import json
import os
import stat
import struct
import sys
import time
from pathlib import Path
from typing import Any

from spanwire._telemetry import hooks, log

__all__ = ["SCHEMA", "VARIABLE", "peer", "serve", "serve_if_asked", "socket_path", "sockets"]

VARIABLE = "SPANWIRE_TOP_SOCKET"
SCHEMA = 1
_SEND_SECONDS = 1.0
_WAITING_CONNECTIONS = 8
_MOST_LOOKED_AT = 256
_MOST_PATH_BYTES = 107  # of a socket's address, and a zero behind it
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class _Server:
    """The socket of one process."""

    def __init__(self, asked: str) -> None:
        self.asked = asked
        self.process = os.getpid()
        self.since = time.time()
        self.path = _checked(socket_path(asked, self.process))
        self.socket, self._identity = _listen(self.path)

    def run(self) -> None:
        """Answer whoever connects."""
        while True:
            try:
                # What `socket.socket`, which gevent replaces, calls.
                descriptor, _ = self.socket._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - no other way
            except OSError as error:
                if error.errno in {errno.EBADF, errno.EINVAL}:  # closed
                    return
                hooks.held_lock().acquire(timeout=1.0)  # no descriptors, no memory: later, perhaps
                continue
            # Whoever connected is gone, or does not read; or what is counted by code of the application raises.
            # Nothing that it raises may end the thread, which nobody would start again.
            with contextlib.suppress(BaseException):
                self._answer(_socket.socket(fileno=descriptor))

    def _answer(self, client: _socket.socket) -> None:
        try:
            client.settimeout(_SEND_SECONDS)
            if peer(client)[1] in {0, os.geteuid()}:
                client.sendall(self._line())
        finally:
            client.close()

    def _line(self) -> bytes:
        from spanwire._native import __version__
        from spanwire._telemetry.stats import stats

        said: dict[str, Any] = {
            "schema": SCHEMA,
            "spanwire": __version__,
            "pid": self.process,
            "program": Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "",
            "service": os.environ.get("OTEL_SERVICE_NAME", ""),
            "since": self.since,
            "time": time.time(),
            "stats": stats(),
        }
        return json.dumps(said).encode() + b"\n"

    def remove(self) -> None:
        """Take the socket away, if it is still the one that was made here."""
        with contextlib.suppress(OSError):
            if self.process == os.getpid() and _identity(self.path) == self._identity:
                self.path.unlink()


_server: _Server | None = None
_beginning = _thread.allocate_lock()


def serve(path: str | os.PathLike[str]) -> None:
    """Serve this process's counts, and those of processes that are forked from it, each at a socket of its own.

    :param path: what its name begins with, or a directory: :func:`socket_path`. A second call changes nothing.
    :raises ValueError: if it may not be there, or cannot.
    """
    if _server is None:
        _begin(str(Path(path).absolute()))


def serve_if_asked() -> None:
    """As :func:`serve` where the environment says, once; trouble is logged."""
    path = os.environ.get(VARIABLE)
    if path and _server is None:
        _try(str(Path(path).absolute()))


def socket_path(asked: str, process: int) -> Path:
    """Where a process serves: the number behind the name that was asked for, or ``spanwire.`` and it in a directory."""
    return Path(asked, f"spanwire.{process}") if Path(asked).is_dir() else Path(f"{asked}.{process}")


def sockets(asked: str) -> list[Path]:
    """The sockets of all processes that serve there, by their numbers; stale ones, too."""
    one = socket_path(asked, 0)
    name = one.name.removesuffix("0")
    found = []
    with contextlib.suppress(OSError):
        for path in one.parent.iterdir():
            number = path.name.removeprefix(name)
            if path.name != number and number.isascii() and number.isdigit() and _is_socket(path):
                found.append((int(number), path))
    return [path for _, path in sorted(found)]


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:  # gone meanwhile
        return False


def peer(connected: _socket.socket) -> tuple[int, int]:
    """Number and user of the process at the other end, as the kernel knows them."""
    process, user, _ = struct.unpack("3i", connected.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12))
    return process, user


def _begin(asked: str) -> None:
    global _server  # noqa: PLW0603 - one a process
    if not _beginning.acquire(blocking=False):  # another thread does it, or a fork came in between
        return
    try:
        if _server is not None:
            return
        _remove_stale(asked)
        _server = server = _Server(asked)
    except OSError as error:
        raise ValueError(f"{socket_path(asked, os.getpid())}: {error.strerror or error}") from error
    finally:
        _beginning.release()
    try:
        hooks.start_new_thread(server.run)
    except RuntimeError as error:
        _stop()
        raise ValueError(f"no thread can be started: {error}") from error


def _try(asked: str) -> None:
    try:
        _begin(asked)
    except ValueError as error:
        log.warn("top", "Nothing is served for spanwire top: %s", error)


def _checked(path: Path) -> Path:
    """Where it leads now, and goes on leading: what is above that folder is none that others can exchange."""
    folder = path.parent.resolve(strict=True)
    there = folder / path.name
    longest = max(path, there, key=lambda one: len(os.fsencode(one)))
    if len(os.fsencode(longest)) > _MOST_PATH_BYTES:
        raise ValueError(
            f"{longest} is too long for a socket, by the kernel's bound of {_MOST_PATH_BYTES} bytes: give a shorter one"
        )
    own = folder.stat()
    if own.st_uid not in {0, os.geteuid()} or own.st_mode & _OTHERS_WRITE:
        raise ValueError(
            f"{folder} belongs to others or can be written by them, who could put a socket of theirs there: give a directory of "
            "your own, and chmod go-w it"
        )
    for above in folder.parents:
        mode = above.stat().st_mode
        if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
            raise ValueError(
                f"{above}, above {folder}, can be written by others, who could put a directory of theirs there: chmod go-w it, or "
                "give another"
            )
    if os.path.lexists(there):
        _check_stale(there)
    return there


def _check_stale(path: Path) -> None:
    """What is there may be replaced only if it is the socket of a process that has ended."""
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise ValueError(f"{path} is there and no socket: give another name, or remove it")
    if not _is_stale(path):
        raise ValueError(f"{path} is served by another process, of another container perhaps: give another name")


def _is_stale(path: Path) -> bool:
    """Whether nobody answers: a socket has its name only while somebody listens."""
    there = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        there.settimeout(_SEND_SECONDS)
        there.connect(str(path))
    except OSError as error:
        return error.errno == errno.ECONNREFUSED
    finally:
        there.close()
    return False


def _remove_stale(asked: str) -> None:
    """Those of processes that were killed, and of children that ended without a word."""
    for path in sockets(asked)[:_MOST_LOOKED_AT]:
        with contextlib.suppress(OSError):
            if path.lstat().st_uid == os.geteuid() and _is_stale(path):
                path.unlink()


def _listen(path: Path) -> tuple[_socket.socket, tuple[int, int]]:
    """It has its name, in the place of a stale one, when it is ready and nobody else may connect."""
    # Under a shorter name, so that it fits wherever the other does.
    making = path.with_name(f".{os.getpid()}")
    making.unlink(missing_ok=True)
    made = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        made.settimeout(None)
        made.bind(str(making))
        making.chmod(0o600)
        made.listen(_WAITING_CONNECTIONS)
        making.rename(path)
    except BaseException:
        made.close()
        making.unlink(missing_ok=True)
        raise
    return made, _identity(path)


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino


def _after_fork() -> None:
    """The socket is the parent's: a child serves at its own."""
    global _server, _beginning
    inherited, _server, _beginning = _server, None, _thread.allocate_lock()
    if inherited is not None:
        inherited.socket.close()
        _try(inherited.asked)


def _stop() -> None:
    global _server
    server, _server = _server, None
    if server is not None:
        server.remove()
        server.socket.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(lambda: None if _server is None else _server.remove())
