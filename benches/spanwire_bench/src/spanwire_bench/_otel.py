"""The cases of the OpenTelemetry specification's performance benchmark, each run in a fresh process (``_otel_child``) that sends to another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanwire_bench import _fresh, _otel_child

if TYPE_CHECKING:
    import pathlib

    from spanwire_bench._sink_process import SinkProcess

__all__ = ["Created", "Load", "Lost", "create", "load"]


class Lost(Exception):
    """Not every span arrived."""


@dataclass(frozen=True, slots=True)
class Created:
    """Spans that were created, exported and received, and in which time."""

    spans: int
    seconds: float
    received: int

    @property
    def a_second(self) -> float:
        return self.spans / self.seconds


@dataclass(frozen=True, slots=True)
class Load:
    """A process at a given number of spans a second.

    :param spans: made; fewer than asked for where it could not keep up.
    :param seconds: in which they were made.
    :param loop_cpu: seconds of CPU of the loop that keeps the rate, alone.
    :param looks: seconds since the beginning, and CPU seconds used or bytes of resident memory; the last when everything had arrived.
    """

    rate: float
    spans: int
    seconds: float
    received: int
    loop_cpu: float
    looks: tuple[tuple[float, float], ...]

    @property
    def reached(self) -> float:
        """Spans a second."""
        return self.spans / self.seconds

    @property
    def kept_up(self) -> bool:
        return self.reached >= 0.99 * self.rate

    @property
    def percent(self) -> float:
        """Of a core, by all threads, that ``rate`` spans a second take; more than 100 if one core is not enough for them."""
        used = self.looks[-1][1] - self.looks[0][1]
        return 100 * used / self.seconds * (1.0 if self.kept_up else self.rate / self.reached)

    @property
    def percents(self) -> tuple[tuple[float, float], ...]:
        """Of a core, of one look to the next, as it was; where the time between is at least half the usual."""
        pairs = list(zip(self.looks, self.looks[1:], strict=False))
        usual = max(after[0] - before[0] for before, after in pairs)
        return tuple(
            (round(after[0], 3), 100 * (after[1] - before[1]) / (after[0] - before[0]))
            for before, after in pairs
            if after[0] - before[0] >= usual / 2
        )

    @property
    def grown(self) -> tuple[tuple[float, float], ...]:
        """Bytes beyond those at the beginning."""
        return tuple((round(at, 3), value - self.looks[0][1]) for at, value in self.looks)


def create(side: str, *, seconds: float, core: int | None, receiver_core: int | None) -> Created:
    """As many spans of ten attributes as go. Raises Lost, ChildFailed."""
    with _receiver(receiver_core) as (sink, mirror):
        said = _child("create", side, sink, mirror, core, seconds)
    return Created(said["spans"], said["seconds"], said["received"])


def load(
    side: str,
    *,
    rate: float,
    seconds: float,
    simple: bool,
    memory: bool = False,
    core: int | None,
    receiver_core: int | None,
) -> Load:
    """``rate`` spans of one attribute and one event, a second, to a batch or a simple processor. Raises Lost, ChildFailed."""
    processor, look = "simple" if simple else "batch", "memory" if memory else "cpu"
    with _receiver(receiver_core) as (sink, mirror):
        said = _child("load", side, sink, mirror, core, seconds, rate, processor, look)
    looks = tuple((at, value) for at, value in said["looks"])
    return Load(rate, said["spans"], said["seconds"], said["received"], said["loop_cpu"], looks)


@contextmanager
def _receiver(core: int | None) -> Iterator[tuple[SinkProcess, pathlib.Path]]:
    from spanwire_bench import _mirror
    from spanwire_bench._sink_process import SinkProcess

    with _mirror.file() as mirror, SinkProcess(core, mirror=mirror) as sink:
        yield sink, mirror


def _child(
    what: str, side: str, sink: SinkProcess, mirror: pathlib.Path, core: int | None, *more: object
) -> dict[str, Any]:
    """What it says, and what was received."""
    answer = _fresh.run(_otel_child.__name__, what, side, sink.endpoint, mirror, -1 if core is None else core, *more)
    said: dict[str, Any] = json.loads(answer)
    said["received"] = sink.count()
    if said["received"] != said["made"]:
        raise Lost(f"{side}: {said['made']} spans made, {said['received']} received")
    return said
