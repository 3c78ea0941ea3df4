"""Memory over time of a process whose backend goes away and comes back. The process is ``_outage_child``; its backend lives in this one."""

from __future__ import annotations

import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from spanwire.sink import Sink
from spanwire_bench import _outage_child
from spanwire_bench._fresh import ChildFailed

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ChildFailed", "Outage", "Phases", "measure"]

_EVERY_SECONDS = 0.1  # between two looks at the memory …
_LEAST_LOOKS = 50  # … unless a run is so short that there would be fewer
_PATIENCE_SECONDS = 90.0  # for what is no phase: start, being late, flush
_KEPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds that the backend is alive, dead, and alive again."""

    alive: float
    dead: float
    again: float

    @property
    def whole(self) -> float:
        return self.alive + self.dead + self.again

    def dead_at(self, seconds: float) -> bool:
        return self.alive <= seconds < self.alive + self.dead


@dataclass(frozen=True, slots=True)
class Outage:
    """What came of it.

    :param series: seconds since everything was set up, and bytes of resident memory beyond what there was then.
    """

    made: int
    received: int
    series: tuple[tuple[float, float], ...]

    @property
    def peak(self) -> float:
        """The most that the process grew."""
        return max(grown for _, grown in self.series)


def measure(side: str, phases: Phases, *, rate: float) -> Outage:
    """One side of ``_pipelines.NAMES``; spans are made through all phases and flushed after them. Raises ChildFailed."""
    with _Backend() as backend:
        command = [sys.executable, "-m", _outage_child.__name__, side, backend.endpoint, str(rate), str(phases.whole)]
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
            # Unbuffered, so that what `select` sees is all that there is.
            subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=errors) as process,
        ):
            assert process.stdout is not None
            try:
                _line(process.stdout, errors)
                series = _watch(process.stdout, process.pid, backend, phases)
                made = int(_line(process.stdout, errors))
                _line(process.stdout, errors)
            finally:
                process.kill()  # it has said everything, or does not
    return Outage(made, backend.received, tuple(series))


def _watch(said: IO[bytes], process: int, backend: _Backend, phases: Phases) -> list[tuple[float, float]]:
    """The memory, until the process says something; the backend goes and comes meanwhile, and is there in the end."""
    begin, before = time.monotonic(), _resident_bytes(process)
    every = min(_EVERY_SECONDS, phases.whole / _LEAST_LOOKS)
    series = [(0.0, 0.0)]
    while not select.select([said], [], [], every)[0]:
        now = time.monotonic() - begin
        backend.be(alive=not phases.dead_at(now))
        series.append((round(now, 3), float(_resident_bytes(process) - before)))
        if now > phases.whole + _PATIENCE_SECONDS:
            raise ChildFailed(f"{_outage_child.__name__}: still at work after {now:.0f} s")
    backend.be(alive=True)
    return series


def _line(stream: IO[bytes], errors: IO[str]) -> str:
    """The next one; raises ChildFailed if none comes."""
    if not select.select([stream], [], [], _PATIENCE_SECONDS)[0]:
        raise ChildFailed(f"{_outage_child.__name__}: no word for {_PATIENCE_SECONDS:g} s")
    if line := stream.readline():
        return line.decode().strip()
    errors.seek(0)
    raise ChildFailed(f"{_outage_child.__name__}: {errors.read().strip().rpartition(chr(10))[2] or 'ended'}")


def _resident_bytes(process: int) -> int:
    pages = int(pathlib.Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class _Backend:
    """A sink that can go away, so that connections are refused, and come back at the same port; a context manager.

    :param received: by the sinks that are gone.
    """

    received: int = 0
    _sink: Sink | None = field(default=None, init=False)
    _port: int = field(default=0, init=False)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1/traces"

    def be(self, *, alive: bool) -> None:
        """Raises ChildFailed if somebody else has taken the port meanwhile."""
        if alive and self._sink is None:
            try:
                self._sink = Sink(port=self._port, max_bytes=_KEPT_BYTES).start()
            except OSError as error:
                raise ChildFailed(f"the backend cannot come back: {error}") from error
            self._port = self._sink.port
        elif not alive and self._sink is not None:
            self._sink.close()
            self.received += self._sink.span_count
            self._sink = None

    def __enter__(self) -> Self:
        self.be(alive=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.be(alive=False)
