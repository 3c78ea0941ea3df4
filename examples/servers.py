"""Real servers for the examples, where none is given: started in a folder that is thrown away, reachable from here only.

They are Debian's packages postgresql and redis-server; programs elsewhere are found by PATH.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from examples.launcher import START_SECONDS, STOP_SECONDS, ExampleError, free_ports, wait_for_port

UNPRIVILEGED = "nobody"  # since PostgreSQL refuses to run as root


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL that DATABASE_URL names; without one, of a PostgreSQL on a Unix socket in this folder."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    home = folder / "postgresql"
    home.mkdir()
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(home, UNPRIVILEGED)
        user = {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": [], "cwd": home}
    data = home / "data"
    _run([_postgresql("initdb"), "-D", str(data), "-U", "shop", "-A", "trust", "-E", "UTF8", "--no-sync"], user)
    server = subprocess.Popen(
        # Nothing is worth keeping, so nothing waits for the disk; no port at all, only the socket.
        [_postgresql("postgres"), "-D", str(data), "-k", str(home), "-c", "listen_addresses=", "-c", "fsync=off"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **user,
    )
    try:
        until = time.monotonic() + START_SECONDS
        ready = [_postgresql("pg_isready"), "-q", "-h", str(home), "-d", "postgres", "-U", "shop"]
        while subprocess.run(ready, check=False).returncode:
            if server.poll() is not None or time.monotonic() > until:
                raise ExampleError(f"PostgreSQL in {home} does not start")
            time.sleep(0.05)
        yield f"postgresql://shop@/postgres?host={home}"
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown, whoever is connected
        server.wait(STOP_SECONDS)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL that REDIS_URL names; without one, of a Redis on a free port of this machine's loopback."""
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    program = shutil.which("redis-server")
    if program is None:
        raise ExampleError("redis-server is missing: apt-get install redis-server, or name one by REDIS_URL")
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)


def _postgresql(program: str) -> str:
    """Debian keeps the server's programs out of PATH, a folder a version: the newest."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    for folder in (*map(str, folders), None):
        if found := shutil.which(program, path=folder):
            return found
    raise ExampleError(
        f"PostgreSQL's {program} is missing: apt-get install postgresql, or name a server by DATABASE_URL"
    )


def _run(command: Sequence[str], options: dict[str, Any]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        raise ExampleError(f"{command[0]} has failed with status {done.returncode}")
