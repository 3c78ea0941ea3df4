"""Finding processes that serve their counts, and reading what they say."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanwire._telemetry.stats import SIGNALS
from spanwire._telemetry.top_socket import SCHEMA, peer, sockets

__all__ = ["Account", "Durable", "Process", "Unreadable", "find", "read", "read_or_say"]

READ_SECONDS = 2.0
MOST_BYTES = 8 << 20
_UNIX_SOCKETS = Path("/proc/net/unix")
_RECOVERED = ("folders", "spans", "damaged", "files")
_NUMBERS = ("accepted", "exported", "queued", "requests", "retries", "bytes", "connections")


class Unreadable(Exception):
    """What is at a socket cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Counts of one destination."""

    signal: str
    destination: str
    accepted: int
    exported: int
    queued: int
    requests: int
    retries: int
    bytes: int
    connections: int
    dropped: Mapping[str, int]
    last_error: str | None
    breakers: Mapping[str, str] = field(default_factory=dict)
    """State by endpoint, if there is any."""


@dataclass(frozen=True, slots=True)
class Durable:
    """Files of one queue in which spans outlive the process."""

    folder: str
    service: str
    bytes: int
    max_bytes: int
    failures: int
    not_mapped: str | None
    last_error: str | None
    recovered: Mapping[str, int]
    """Folders, spans, damaged spans and files that stay; empty: nothing is sent of what was left."""
    recovery_error: str | None


@dataclass(frozen=True, slots=True)
class Process:
    """What one process said."""

    pid: int
    program: str
    service: str
    since: float
    time: float
    accounts: tuple[Account, ...]
    said: Mapping[str, Any]
    """The whole line."""
    durable: tuple[Durable, ...] = ()


def find(target: str) -> list[Path]:
    """Sockets of the processes that are meant: by a number, the path that they were told, or one socket's own."""
    if target.isascii() and target.isdigit():
        return _of_process(target)
    path = Path(target).absolute()
    return [path] if path.is_socket() else sockets(str(path))


def _of_process(number: str) -> list[Path]:
    """By the kernel's list: it has the paths of all sockets, of this network namespace, as they were when they were made."""
    try:
        lines = _UNIX_SOCKETS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[1:]
    except OSError:
        return []
    # Num RefCount Protocol Flags Type St Inode Path: the path may have spaces.
    made = {Path(parts[7]) for line in lines if len(parts := line.split(None, 7)) == 8}
    folders = {path.parent for path in made if path.name == f".{number}" and path.is_absolute()}
    return sorted(path for folder in folders for path in folder.glob(f"*.{number}") if path.is_socket())


def read(path: Path) -> Process:
    """What the process there says.

    :raises Unreadable: if nobody answers in time, it is somebody else's, or it is none of ours.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(READ_SECONDS)
            connection.connect(str(path))
            number, user = peer(connection)
            if user not in {0, os.geteuid()} and os.geteuid() != 0:
                raise Unreadable(f"it belongs to another user ({user})")
            line = b"".join(_chunks(connection))
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    try:
        return _process(json.loads(line), number)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Unreadable("what is there is no process that serves its counts, or of another version") from error


def read_or_say(path: Path) -> Process | str | None:
    """As :func:`read`; why it cannot be read, or None of a process that has ended."""
    try:
        return read(path)
    except Unreadable as error:
        is_gone = isinstance(error.__cause__, ConnectionRefusedError | FileNotFoundError)
        return None if is_gone else str(error)


def _chunks(connection: socket.socket) -> Iterator[bytes]:
    size = 0
    while chunk := connection.recv(1 << 16):
        size += len(chunk)
        if size > MOST_BYTES:
            raise Unreadable(f"it says more than {MOST_BYTES >> 20} MiB")
        yield chunk


def _process(said: Any, number: int) -> Process:
    if said["schema"] != SCHEMA:
        raise ValueError(said["schema"])
    accounts = tuple(
        _account(signal, str(destination), counts)
        for signal in SIGNALS
        for destination, counts in said["stats"].get(signal, {}).items()
    )
    # The kernel's number is that of this namespace; another container's process has another one of its own.
    return Process(
        pid=number or int(said["pid"]),
        program=str(said["program"]),
        service=str(said["service"]),
        since=float(said["since"]),
        time=float(said["time"]),
        accounts=accounts,
        said=said,
        durable=tuple(map(_durable, said["stats"].get("durable", ()))),
    )


def _durable(report: Any) -> Durable:
    recovered = report["recovered"] or {}
    return Durable(
        folder=str(report["folder"]),
        service=str(report["service"]),
        not_mapped=_text(report["not_mapped"]),
        last_error=_text(report["last_error"]),
        recovered={name: int(recovered[name]) for name in _RECOVERED if recovered},
        recovery_error=_text(recovered.get("error")),
        **{name: int(report[name]) for name in ("bytes", "max_bytes", "failures")},
    )


def _text(said: Any) -> str | None:
    return None if said is None else str(said)


def _account(signal: str, destination: str, counts: Any) -> Account:
    return Account(
        signal=signal,
        destination=destination,
        dropped={str(reason): int(lost) for reason, lost in counts["dropped"].items()},
        last_error=_text(counts["last_error"]),
        breakers={str(endpoint): str(state) for endpoint, state in counts.get("breakers", {}).items()},
        **{name: int(counts[name]) for name in _NUMBERS},
    )
