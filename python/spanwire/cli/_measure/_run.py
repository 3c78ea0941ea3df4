"""Runs each way in turn, in fresh processes, with the receiver in this one: its CPU is not the sender's."""

from __future__ import annotations

import json
import pathlib
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from spanwire.cli._measure._costs import Cost, Costs, Reading
from spanwire.cli._measure._recording import record
from spanwire.cli._module import command

if TYPE_CHECKING:
    from spanwire.cli._shop_run import Way
    from spanwire.sink import Sink, Trace

__all__ = ["ROUNDS", "Lost", "measure"]

ROUNDS = 2
_SECONDS = 0.3  # CPU of a round of a way
_CHILD_SECONDS = 60
_KEPT_BYTES = 1 << 20  # of received requests: only their counts matter here
_CHILD = "spanwire.cli._measure._child"


class Lost(Exception):
    """Not every span arrived."""


def measure(ways: Sequence[Way], traces: Sequence[Trace], progress: Callable[[int], None]) -> Costs | None:
    """ROUNDS rounds of all ways, another way first each time; None if there is no whole trace. Raises Lost.

    :param progress: called with the number of processes that ended.
    """
    from spanwire.sink import Sink

    recorded = record(traces)
    if not recorded:
        return None
    readings: dict[Way, list[Reading]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory(prefix="spanwire-demo-") as folder, Sink(max_bytes=_KEPT_BYTES) as sink:
        file = pathlib.Path(folder) / "shop.json"
        file.write_text(json.dumps(recorded), encoding="utf-8")
        for number in range(ROUNDS):
            first = number % len(ways)
            for way in [*ways[first:], *ways[:first]]:
                sink.clear()
                readings[way].append(_read(way, file, sink))
                progress(1)
    return Costs([Cost(way, tuple(readings[way])) for way in ways])


def _read(way: Way, file: pathlib.Path, sink: Sink) -> Reading:
    try:
        done = subprocess.run(
            command(_CHILD, way, file, sink.traces_endpoint, _SECONDS),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Lost(f"{way}: not finished after {_CHILD_SECONDS} s") from None
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2] or f"ended with status {done.returncode}"
        raise Lost(f"{way}: {why}")
    said = json.loads(done.stdout)
    if sink.span_count != said["made"]:
        raise Lost(f"{way}: {said['made']} spans made, {sink.span_count} received")
    return Reading(said["spans"], said["cpu_ns"], sink.span_count, sink.request_count)
