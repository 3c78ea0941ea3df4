"""End to end, by several sides in turn: each round starts each side in a fresh process, which makes spans and sends them.

Nothing is measured of a side whose spans do not all arrive, or are not what the first side sent.
"""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING

from spanwire_bench import _delivery_child, _peers, _with_parent
from spanwire_bench._measure import Figure, in_turn, pinned
from spanwire_bench.suite import _sides
from spanwire_bench.suite._sides import DEFAULT_SIDES

if TYPE_CHECKING:
    from typing_extensions import Self

    from spanwire_bench._shapes import Shape
    from spanwire_bench._sink_process import SinkProcess

__all__ = [
    "DEFAULT_SIDES",
    "SIDES",
    "Bench",
    "Lost",
    "Result",
    "Side",
    "steps",
]

_CHILD_SECONDS = 300
_SAMPLE_SECONDS = 60  # longer than the peers themselves have patience
SIDES = {name: side.what for name, side in _sides.SIDES.items()}


class Lost(Exception):
    """Not everything arrived, or not what was to arrive."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one side took.

    :param delivered: spans of all rounds, warm-up and sample included: all of those that were made.
    :param spans_a_request: on average.
    :param note: what a reader has to know.
    """

    name: str
    cpu: Figure
    spans_a_round: int
    delivered: int
    spans_a_request: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One workload; ``left_out`` are the sides that do not make it."""

    workload: str
    sides: tuple[Side, ...]
    left_out: tuple[str, ...] = ()

    def side(self, name: str) -> Side | None:
        """None if it was not measured."""
        return next((side for side in self.sides if side.name == name), None)

    @property
    def reference(self) -> Side | None:
        """The SDK, to which the others are compared."""
        return self.side("sdk")

    @property
    def better_peer(self) -> Side | None:
        """Of somebody else's, the one that takes less by minima."""
        peers = [side for side in self.sides if side.name in _peers.PEERS]
        return min(peers, key=lambda side: side.cpu.minimum, default=None)

    def ratios(self, of: Side | None, to: Side | None) -> dict[str, float] | None:
        """How many times the CPU of ``to`` the side ``of`` takes."""
        if of is None or to is None:
            return None
        return {
            "ratio_of_minima": of.cpu.minimum / to.cpu.minimum,
            "ratio_of_medians": of.cpu.median / to.cpu.median,
        }

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        peer, ours = self.better_peer, self.side("spanwire")
        against_peer = self.ratios(peer, ours)
        return {
            "workload": self.workload,
            "unit": "ns of CPU per span, all threads",
            "sides": {
                side.name: {
                    "what": SIDES[side.name],
                    "minimum": side.cpu.minimum,
                    "median": side.cpu.median,
                    "maximum": side.cpu.maximum,
                    "spread": side.cpu.spread,
                    "rounds": side.cpu.rounds,
                    "spans_per_round": side.spans_a_round,
                    "delivered": side.delivered,
                    "spans_per_request": side.spans_a_request,
                    "samples": list(side.cpu.samples),
                    "sdk_times": self.ratios(self.reference, side),
                    "note": side.note,
                }
                for side in self.sides
            },
            "left_out": list(self.left_out),
            "better_peer_times": None if peer is None or against_peer is None else {"peer": peer.name, **against_peer},
        }


def steps(workloads: Sequence[str], sides: Sequence[str], rounds: int) -> int:
    """What ``progress`` of ``Bench.measure`` is told in all."""
    return rounds * sum(_peers.makes(side, workload) for workload in workloads for side in sides)


class Bench:
    """The receivers, each in a process of its own, and who sends to them; a context manager. Compression is what
    ``OTEL_EXPORTER_OTLP_COMPRESSION`` says.

    :param sides: of SIDES, in this order.
    :param peer_python: the interpreter that has the peers of Python's; what is ours runs in this one.
    :param sender_core: for the sender alone, while ``receiver_core`` has the receiver; None: no pinning.
    :param batch: spans a request, of every side that can be told; None: each side's default.
    """

    def __init__(
        self,
        sides: Sequence[str],
        *,
        peer_python: str,
        sender_core: int | None,
        receiver_core: int | None,
        batch: int | None = None,
    ) -> None:
        self._sides = sides
        self._peer_python = peer_python
        self._sender_core = sender_core
        self._receiver_core = receiver_core
        self._batch = batch
        self._open = ExitStack()
        self._receivers: dict[bool, tuple[SinkProcess, pathlib.Path]] = {}  # whether it is for Datadog's format

    def __enter__(self) -> Self:
        from spanwire_bench import _intake, _mirror
        from spanwire_bench._sink_process import SinkProcess

        with self._open:
            if any(side != "ddtrace" for side in self._sides):
                path = self._open.enter_context(_mirror.file())
                sink = SinkProcess(self._receiver_core, mirror=path)
                self._receivers[False] = self._open.enter_context(sink), path
            if "ddtrace" in self._sides:
                path = self._open.enter_context(_mirror.file())
                intake = SinkProcess(self._receiver_core, mirror=path, module=_intake.MODULE, python=self._peer_python)
                self._receivers[True] = self._open.enter_context(intake), path
            self._open = self._open.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def measure(
        self,
        workload: str,
        *,
        rounds: int,
        spans: int,
        seconds: float,
        progress: Callable[[int], None] = lambda steps: None,
    ) -> Result:
        """Each side in each round, a different one first each time. Raises Lost.

        :param spans: in a round; 0: as many as take ``seconds`` of CPU.
        """
        sides = [side for side in self._sides if _peers.makes(side, workload)]
        if not sides:
            raise Lost(f"{workload} is not made by {', '.join(self._sides)}")
        readings: dict[str, list[_Reading]] = {side: [] for side in sides}
        for number in range(rounds):
            samples: dict[str, list[Shape]] = {}
            for side in in_turn(sides, number):
                reading = self._run(side, workload, spans, seconds)
                readings[side].append(reading)
                samples[side] = reading.sample
                progress(1)
            _check(samples)
        left_out = tuple(side for side in self._sides if side not in sides)
        return Result(workload, tuple(_side(side, readings[side]) for side in sides), left_out)

    def instructions(self, workload: str, side: str, spans: int) -> float:
        """Of user space, a span: what twice as many take more than ``spans``, which are more than the warm-up.

        Raises ``_perf.NotCounted`` where the machine counts none, and Lost.
        """
        from spanwire_bench import _perf

        return _perf.per_unit(lambda units, counted: self._run(side, workload, units, 0, counted), spans)

    def _run(
        self,
        side: str,
        workload: str,
        spans: int,
        seconds: float,
        below: Callable[[list[str]], list[str]] = lambda command: command,
    ) -> _Reading:
        """One process; ``below`` may put its command below another program."""
        receiver, mirror = self._receivers[side == "ddtrace"]
        receiver.clear()
        told = _peers.told(side, workload)
        arguments = (told, receiver.endpoint, mirror, spans, seconds, self._batch or 0, _compression())
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
            pinned(self._sender_core),  # a process, and the threads that it starts, inherit it
            subprocess.Popen(
                below([*self._command(side), *map(str, arguments)]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process,
        ):
            try:
                sample = receiver.shapes() if _said(side, process) else []
                out, _ = process.communicate("go on\n", timeout=_CHILD_SECONDS)
            except subprocess.TimeoutExpired:
                raise Lost(f"{side}: not finished after {_CHILD_SECONDS} s") from None
            finally:
                process.kill()  # does nothing to one that has ended
            if process.returncode:
                why = _last_line(_text(errors)) or f"ended with status {process.returncode}"
                raise Lost(
                    f"{side}: {'not installed: ' if process.returncode == _delivery_child.NOT_INSTALLED else ''}{why}"
                )
        said = json.loads(out)
        received = receiver.count()
        if received != said["made"]:
            raise Lost(f"{side}: {said['made']} spans made, {received} received")
        return _Reading(said["spans"], said["cpu_ns"], received, receiver.requests(), sample)

    def _command(self, side: str) -> list[str]:
        if side in _peers.PROGRAMS:
            return _with_parent.before(str(_peers.program(side)))
        return _delivery_child.command(self._peer_python if side in _peers.PACKAGES else sys.executable, side)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One side in one round."""

    spans: int
    cpu_ns: int
    received: int
    requests: int
    sample: list[Shape]


def _check(samples: Mapping[str, Sequence[Shape]]) -> None:
    """Of one round, whoever was first. Raises Lost if not all are what the first sent that sends everything."""
    from spanwire_bench import _shapes

    reference = next((sample for side, sample in samples.items() if side not in _peers.LOOSE), None)
    for side, sample in samples.items():
        if not sample:
            raise Lost(f"{side}: nothing of its sample was received")
        if reference is not None:
            difference = _shapes.difference(reference, sample, loosely=side in _peers.LOOSE)
            if difference is not None:
                raise Lost(f"{side}: not the spans that the others send: {difference}")


def _side(name: str, readings: Sequence[_Reading]) -> Side:
    return Side(
        name,
        Figure.of([one.cpu_ns / one.spans for one in readings]),
        round(statistics.median(one.spans for one in readings)),
        sum(one.received for one in readings),
        sum(one.received for one in readings) / sum(one.requests for one in readings),
        _peers.note(name),
    )


def _said(side: str, process: subprocess.Popen[str]) -> str:
    """Its first line: nothing if it ended without one. Raises Lost if it neither says nor ends."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(_SAMPLE_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
    finally:
        timer.cancel()
    if late.is_set():
        raise Lost(f"{side}: its sample was not sent after {_SAMPLE_SECONDS:g} s")
    return line


def _compression() -> str:
    return os.environ.get("OTEL_EXPORTER_OTLP_COMPRESSION") or "none"


def _text(errors: IO[str]) -> str:
    errors.seek(0)
    return errors.read()


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
