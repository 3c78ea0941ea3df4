"""What the examples with several processes share: programs that are started, waited for and ended; free ports; the books.

Nothing of it is needed to trace an application. In production systemd, a container runtime or Kubernetes does this.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

START_SECONDS = 120.0
STOP_SECONDS = 60.0
ROOT = Path(__file__).resolve().parent.parent
# Programs that were installed beside this Python are found first, as in an activated environment.
BIN = Path(sys.executable).parent

TRACED = {
    # The whole set-up of tracing: nothing else in these examples mentions spanwire but examples/books.py, which counts.
    "OTEL_PYTHON_DISTRO": "spanwire",
    "OTEL_PYTHON_CONFIGURATOR": "spanwire",
}


class ExampleError(Exception):
    """Something that the reader of a terminal can put right."""


class Programs(AbstractContextManager["Programs"]):
    """Child processes under their names; whatever still runs at the end is ended, the last one first."""

    def __init__(self, folder: Path, endpoint: str, variables: Mapping[str, str]) -> None:
        self._books = folder / "books"
        self._books.mkdir()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._services: list[str] = []
        self._variables = {
            # Sooner than in five seconds: somebody watches. What the environment says goes first.
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            **os.environ,
            **TRACED,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(ROOT),
            "EXAMPLE_BOOKS": str(self._books),
            **variables,
        }

    def start(self, name: str, command: Sequence[str], **variables: str) -> None:
        """Start a traced program; its output goes where ours goes."""
        environment = {**self._variables, "OTEL_SERVICE_NAME": name, **variables}
        self._services.append(environment["OTEL_SERVICE_NAME"])
        self._running[name] = subprocess.Popen(
            ["opentelemetry-instrument", *command],
            env=environment,
            start_new_session=True,  # Ctrl-C is for us, who end them in order
        )

    def check(self) -> None:
        """Whether all still run.

        :raises ExampleError: naming one that ended.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ExampleError(f"{name} has ended by itself with status {process.returncode}")

    def pid(self, name: str) -> int:
        """Its process."""
        return self._running[name].pid

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
        """Wait until it holds.

        :raises ExampleError: if it does not in this time, or a program ends meanwhile.
        """
        until = time.monotonic() + seconds
        while not condition():
            self.check()
            if time.monotonic() > until:
                raise ExampleError(f"{what}: not within {seconds:g} s")
            time.sleep(0.05)

    def wait(self, name: str, seconds: float = START_SECONDS) -> None:
        """Wait for one that ends by itself.

        :raises ExampleError: if it fails.
        """
        status = self._running[name].wait(seconds)
        del self._running[name]
        if status:
            raise ExampleError(f"{name} has ended with status {status}")

    def stop(self, name: str) -> None:
        """Ask one to end, as `kill`, systemd and Kubernetes do, and wait for it.

        :raises ExampleError: if it does not.
        """
        process = self._running[name]
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ExampleError(f"{name} has not ended {STOP_SECONDS:g} s after SIGTERM") from None
        del self._running[name]

    def books(self) -> dict[str, dict[str, int]]:
        """By service: processes, and what became of their spans, as each of them wrote it at its end; zeros if none did."""
        sums = {service: dict.fromkeys(("processes", *COUNTS), 0) for service in sorted(self._services)}
        for path in sorted(self._books.glob("*.json")):
            book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            entry = sums[book["service"]]
            entry["processes"] += 1
            for name in COUNTS:
                entry[name] += book[name]
        return sums

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running.values()):
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


COUNTS = ("accepted", "exported", "queued", "dropped", "late")


def print_books(books: Mapping[str, Mapping[str, int]]) -> bool:
    """A line a service; whether all have closed their books in time, and every span that was accepted has arrived."""
    lines = ["", f"{'service':<12}{'processes':>10}" + "".join(f"{name:>10}" for name in COUNTS)]
    for service, book in books.items():
        lines.append(f"{service:<12}{book['processes']:>10}" + "".join(f"{book[name]:>10}" for name in COUNTS))
    # At once: where nothing is buffered, what the sink prints meanwhile would come between a line and its end.
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()
    return all(
        book["processes"] and book["accepted"] == book["exported"] and not book["late"] for book in books.values()
    )


@contextmanager
def backend() -> Iterator[str]:
    """The endpoint that OTEL_EXPORTER_OTLP_ENDPOINT names; without one, of a sink that prints traces as trees."""
    if endpoint := os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        yield endpoint
        return
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "spanwire", "sink", "--print", "tree", "--port", str(port)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens.

    :raises ExampleError: if the process ends instead, or nobody does.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ExampleError(f"nobody listens on port {port}; its program's status is {process.poll()}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody has: below those that the system gives to connections, so that none of these takes one meanwhile."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            if port not in ports:
                ports.append(port)
    return ports


def answers(url: str) -> bool:
    """Whether a server says 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards, which every user may enter: servers that root starts run as somebody else."""
    with tempfile.TemporaryDirectory(prefix="spanwire-example-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def raise_on_sigterm() -> None:
    """SIGTERM ends the example as Ctrl-C does: in order."""

    def handle(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, handle)
