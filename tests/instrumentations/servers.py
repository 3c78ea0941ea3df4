"""Real servers for the programs, each in a folder of its own on a free port of 127.0.0.1, gone when the block is left.

As root they run as ``nobody``: PostgreSQL and MariaDB refuse root, and a server for a test needs no rights. ``ci/setup`` links
their programs into build/tools/bin or installs them. Whoever wants one is told by variables where it is::

    with running("postgresql", "redis") as variables:
        subprocess.run([...], env={**os.environ, **variables})
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.launcher import free_ports
from tests.conftest import ROOT, program

__all__ = ["PROGRAMS", "for_sides", "running"]

# What `requires_program` needs to know of each.
PROGRAMS = {
    "postgresql": ("postgres", "initdb"),
    "redis": ("redis-server",),
    "memcached": ("memcached",),
    "mariadb": ("mariadbd",),
}

_TRIES = 3
_START_SECONDS = 60
_STOP_SECONDS = 10
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a server is to live."""

    folder: Path
    port: int
    password: str


@dataclass(frozen=True, slots=True)
class _Kind:
    prepare: Callable[[_Place], None]  # once, before the server is started
    command: Callable[[_Place], list[str]]
    answers: Callable[[_Place], bool]  # whether it is ready
    variables: Callable[[_Place], dict[str, str]]
    stop: signal.Signals


@contextmanager
def running(*names: str) -> Iterator[dict[str, str]]:
    """Start the named servers; what is given are the variables by which programs find them.

    :param names: of :data:`PROGRAMS`.
    """
    variables: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        for name in names:
            variables |= stack.enter_context(_server(_KINDS[name]))
        yield variables


@contextmanager
def for_sides(name: str, sides: Iterable[str]) -> Iterator[Callable[[str], dict[str, str]]]:
    """A server for each side, so that they do not disturb each other: a function from a side's name to its variables."""
    with contextlib.ExitStack() as stack:
        variables = {side: stack.enter_context(running(name)) for side in sides}
        yield lambda side: variables[side]


@contextmanager
def _server(kind: _Kind) -> Iterator[dict[str, str]]:
    # Not pytest's folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="spanwire-server-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        if _is_root():
            shutil.chown(folder, _NOBODY)
        password = secrets.token_hex(16)
        kind.prepare(_Place(folder, 0, password))
        process, place = _start(kind, folder, password)
        try:
            yield kind.variables(place)
        finally:
            _stop(process, kind.stop)


def _start(kind: _Kind, folder: Path, password: str) -> "tuple[subprocess.Popen[bytes], _Place]":
    log = folder / "log"
    for _ in range(_TRIES):  # somebody else may take the port first
        place = _Place(folder, free_ports(1)[0], password)
        with log.open("wb") as output:
            process = subprocess.Popen(
                _unprivileged(kind.command(place)),
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            until = time.monotonic() + _START_SECONDS
            while process.poll() is None and time.monotonic() < until:
                if kind.answers(place):
                    return process, place
                time.sleep(0.02)
        except BaseException:
            _stop(process, kind.stop)
            raise
        _stop(process, kind.stop)
    raise RuntimeError(f"{kind.command(place)[0]} does not start:\n{log.read_text(errors='replace')}")


def _stop(process: "subprocess.Popen[bytes]", how: signal.Signals) -> None:
    """By its own signal, so that it removes what it has in shared memory; then it and its children for good."""
    if process.poll() is None:
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        _unprivileged(command), cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged(command: list[str]) -> list[str]:
    """The command as ``nobody`` if we are root, and killed with us where util-linux can say so."""
    # Dies with us, however we end. It is of util-linux, which only containers of another kind lack.
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        assert not _is_root(), "setpriv (util-linux) is needed to start a server as somebody else than root"
        return command
    as_whom = ["--reuid", _NOBODY, "--regid", str(_group()), "--clear-groups"] if _is_root() else []
    return [setpriv, *as_whom, "--pdeathsig", "KILL", *command]


def _group() -> int:
    import pwd

    return pwd.getpwnam(_NOBODY).pw_gid


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C", "TMPDIR": str(folder)}


def _path(name: str) -> str:
    """Of a program, not that of the link in the checkout, which may be closed to ``nobody``."""
    found = program(name)
    assert found is not None, f"program missing: {name} (`make setup` finds or installs it)"
    path = Path(found)
    return str(path.readlink()) if path.is_relative_to(ROOT) else found


def _asked(place: _Place, question: bytes) -> bytes:
    """The first bytes of the answer; none while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", place.port), timeout=1) as connection:
            connection.sendall(question)
            return connection.recv(64)
    except OSError:
        return b""


def _nothing(place: _Place) -> None:
    """There is nothing to prepare."""


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def _init_postgresql(place: _Place) -> None:
    secret = place.folder / "password"
    secret.write_text(place.password)
    if _is_root():
        shutil.chown(secret, _NOBODY)
    secret.chmod(0o600)
    _run(
        [
            *(_path("initdb"), "-D", str(place.folder / "data"), "-U", "shop", "-A", "scram-sha-256"),
            *("--pwfile", str(secret), "-E", "UTF8", "--locale", "C", "--no-sync"),
        ],
        place.folder,
    )


def _postgresql(place: _Place) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "off",
        "shared_buffers": "16MB",
        "max_connections": "40",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [_path("postgres"), "-D", str(place.folder / "data"), "-p", str(place.port), *options]


def _postgresql_answers(place: _Place) -> bool:
    # An encrypted connection asked for: "N", since there is no certificate, from a server that is up.
    if _asked(place, b"\x00\x00\x00\x08\x04\xd2\x16\x2f") != b"N":
        return False
    status = (place.folder / "data" / "postmaster.pid").read_text().splitlines()
    return len(status) > 7 and status[7].strip() == "ready"


# --- Redis, memcached ------------------------------------------------------------------------------------------------


def _redis(place: _Place) -> list[str]:
    return [
        *(_path("redis-server"), "--bind", "127.0.0.1", "--port", str(place.port), "--dir", str(place.folder)),
        *("--save", "", "--appendonly", "no", "--requirepass", place.password),
    ]


def _memcached(place: _Place) -> list[str]:
    return [_path("memcached"), "-l", "127.0.0.1", "-p", str(place.port), "-U", "0", "-m", "16", "-t", "1"]


# --- MariaDB ---------------------------------------------------------------------------------------------------------


def _init_mariadb(place: _Place) -> None:
    data = place.folder / "data" / "shop"  # a database is a folder
    data.mkdir(parents=True)
    if _is_root():
        for made in (data, data.parent):
            shutil.chown(made, _NOBODY)


def _mariadb(place: _Place) -> list[str]:
    # Its own tables take seconds to make, and without them there are no accounts: who reaches the socket may do all, and its
    # folder is closed to others.
    return [
        *(_path("mariadbd"), "--no-defaults", f"--datadir={place.folder / 'data'}", "--skip-networking"),
        *(f"--socket={_socket(place)}", f"--pid-file={place.folder / 'pid'}", "--skip-grant-tables"),
        *("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"),
    ]


def _mariadb_answers(place: _Place) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(_socket(place)))
            return bool(connection.recv(64))  # it greets first
    except OSError:
        return False


def _socket(place: _Place) -> Path:
    return place.folder / "socket"


_KINDS = {
    "postgresql": _Kind(
        _init_postgresql,
        _postgresql,
        _postgresql_answers,
        lambda place: {
            "POSTGRESQL_HOST": "127.0.0.1",
            "POSTGRESQL_PORT": str(place.port),
            "POSTGRESQL_PASSWORD": place.password,
        },
        signal.SIGINT,  # at once, where SIGTERM waits for clients
    ),
    "redis": _Kind(
        _nothing,
        _redis,
        lambda place: _asked(place, b"PING\r\n").startswith(b"-NOAUTH"),
        lambda place: {
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(place.port),
            "REDIS_PASSWORD": place.password,
        },
        signal.SIGTERM,
    ),
    "memcached": _Kind(
        _nothing,
        _memcached,
        lambda place: _asked(place, b"version\r\n").startswith(b"VERSION"),
        lambda place: {"MEMCACHED_HOST": "127.0.0.1", "MEMCACHED_PORT": str(place.port)},
        signal.SIGTERM,
    ),
    "mariadb": _Kind(
        _init_mariadb,
        _mariadb,
        _mariadb_answers,
        lambda place: {"MARIADB_SOCKET": str(_socket(place))},
        signal.SIGTERM,
    ),
}
