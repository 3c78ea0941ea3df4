"""End to end, by several sides in turn: each round starts each side in a fresh process, which makes spans and sends them.

Nothing is measured of a side whose spans do not all arrive, or are not what the first side sent.
"""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from spanwire.cli.bench._delivery_child import NOT_INSTALLED, command
from spanwire.cli.bench._measure import Figure

if TYPE_CHECKING:
    from typing_extensions import Self

    from spanwire.cli._sink_process import SinkProcess
    from spanwire.cli.bench._shapes import Shape

__all__ = [
    "DEFAULT_SIDES",
    "PEERS",
    "SIDES",
    "Bench",
    "Lost",
    "Peer",
    "Result",
    "Side",
    "missing_peers",
    "peer_versions",
]

_CHILD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else's package that is compared with, and what must be importable for it."""

    modules: tuple[str, ...]
    packages: str


SIDES = {
    "sdk": "the SDK with the official exporter",
    "exporter": "the SDK with our exporter",
    "spanwire": "our tracer, batch processor and exporter",
    "fastotel": "the SDK with fastotel's processor",
    "ddtrace": "ddtrace's tracer and writer (WR: its OpenTelemetry API)",
}
DEFAULT_SIDES = ("sdk", "exporter", "spanwire")
PEERS = {
    "fastotel": Peer(("fastotel",), "fastotel==0.9.1"),
    "ddtrace": Peer(("ddtrace", "msgpack"), "ddtrace==4.16.0 msgpack"),
}


class Lost(Exception):
    """Not everything arrived, or not what was to arrive."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one side took.

    :param delivered: spans of all rounds, warm-up and sample included: all of those that were made.
    :param spans_a_request: on average.
    """

    name: str
    cpu: Figure
    spans_a_round: int
    delivered: int
    spans_a_request: float


@dataclass(frozen=True, slots=True)
class Result:
    """One workload."""

    workload: str
    sides: tuple[Side, ...]

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
        peers = [side for side in self.sides if side.name in PEERS]
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
                    "sdk_times": self.ratios(self.reference, side),
                }
                for side in self.sides
            },
            "better_peer_times": None if peer is None or against_peer is None else {"peer": peer.name, **against_peer},
        }


def missing_peers(sides: Sequence[str], python: str) -> list[str]:
    """The peers among ``sides`` of which ``python`` lacks something. Raises Lost if it cannot be asked."""
    found: dict[str, bool] = _ask(
        python,
        "from importlib.util import find_spec\n"
        "answer = {name: all(map(find_spec, modules)) for name, modules in asked.items()}",
        {name: PEERS[name].modules for name in sides if name in PEERS},
    )
    return [name for name, there in found.items() if not there]


def peer_versions(sides: Sequence[str], python: str) -> dict[str, str]:
    """Of the peers among ``sides``, which are there."""
    versions: dict[str, str] = _ask(
        python,
        "from importlib.metadata import version\nanswer = {name: version(name) for name in asked}",
        [name for name in sides if name in PEERS],
    )
    return versions


def _ask(python: str, program: str, asked: object) -> Any:
    """What ``program``, given ``asked``, finds as ``answer``."""
    program = f"import json, sys\nasked = json.loads(sys.argv[1])\n{program}\nprint(json.dumps(answer))"
    try:
        done = subprocess.run([python, "-c", program, json.dumps(asked)], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Lost(f"{python} does not run: {error.strerror}") from error
    if done.returncode:
        raise Lost(f"{python} does not run: {_last_line(done.stderr)}")
    return json.loads(done.stdout)


class Bench:
    """The receivers, each in a process of its own, and who sends to them; a context manager.

    :param sides: of SIDES, in this order.
    :param peer_python: the interpreter that has the peers; the others run in this one.
    :param sender_core: for the sender alone, while ``receiver_core`` has the receiver; None: no pinning.
    """

    def __init__(
        self, sides: Sequence[str], *, peer_python: str, sender_core: int | None, receiver_core: int | None
    ) -> None:
        self._sides = sides
        self._peer_python = peer_python
        self._sender_core = sender_core
        self._receiver_core = receiver_core
        self._open = ExitStack()
        self._receivers: dict[bool, tuple[SinkProcess, pathlib.Path]] = {}  # whether it is for Datadog's format

    def __enter__(self) -> Self:
        from spanwire.cli import _mirror
        from spanwire.cli._sink_process import SinkProcess
        from spanwire.cli.bench import _intake

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
        samples: dict[str, list[_Reading]] = {side: [] for side in self._sides}
        for number in range(rounds):
            first = number % len(self._sides)
            sample: list[Shape] | None = None
            for side in [*self._sides[first:], *self._sides[:first]]:
                reading = self._run(side, workload, spans, seconds)
                samples[side].append(reading)
                sample = _checked(side, reading.sample, sample)
                progress(1)
        return Result(workload, tuple(_side(name, readings) for name, readings in samples.items()))

    def _run(self, side: str, workload: str, spans: int, seconds: float) -> _Reading:
        receiver, mirror = self._receivers[side == "ddtrace"]
        receiver.clear()
        python = self._peer_python if side in PEERS else sys.executable
        core = -1 if self._sender_core is None else self._sender_core
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
            subprocess.Popen(
                command(python, side, workload, receiver.endpoint, mirror, core, spans, seconds),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                sample = receiver.shapes() if process.stdout.readline() else []
                out, _ = process.communicate("go on\n", timeout=_CHILD_SECONDS)
            except subprocess.TimeoutExpired:
                raise Lost(f"{side}: not finished after {_CHILD_SECONDS} s") from None
            finally:
                process.kill()  # does nothing to one that has ended
            if process.returncode:
                why = _last_line(_text(errors)) or f"ended with status {process.returncode}"
                raise Lost(f"{side}: {'not installed: ' if process.returncode == NOT_INSTALLED else ''}{why}")
        said = json.loads(out)
        received = receiver.count()
        if received != said["made"]:
            raise Lost(f"{side}: {said['made']} spans made, {received} received")
        return _Reading(said["spans"], said["cpu_ns"], received, receiver.requests(), sample)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One side in one round."""

    spans: int
    cpu_ns: int
    received: int
    requests: int
    sample: list[Shape]


def _checked(side: str, sample: list[Shape], reference: list[Shape] | None) -> list[Shape] | None:
    """What the following sides are to send as well; Datadog's format can be compared but is no reference."""
    from spanwire.cli.bench import _shapes

    if not sample:
        raise Lost(f"{side}: nothing of its sample was received")
    if reference is not None:
        difference = _shapes.difference(reference, sample, loosely=side == "ddtrace")
        if difference is not None:
            raise Lost(f"{side}: not the spans that the others send: {difference}")
        return reference
    return None if side == "ddtrace" else sample


def _side(name: str, readings: Sequence[_Reading]) -> Side:
    return Side(
        name,
        Figure.of([one.cpu_ns / one.spans for one in readings]),
        round(statistics.median(one.spans for one in readings)),
        sum(one.received for one in readings),
        sum(one.received for one in readings) / sum(one.requests for one in readings),
    )


def _text(errors: IO[str]) -> str:
    errors.seek(0)
    return errors.read()


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
