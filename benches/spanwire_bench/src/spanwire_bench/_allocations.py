"""How often memory is allocated while a batch is encoded, counted by the C library, Python's own objects included.

A child process runs with ``PYTHONMALLOC=malloc`` (every Python object then comes from malloc, not from the arenas that
hide it) and glibc's libc_malloc_debug preloaded, whose ``mtrace`` writes one line for every malloc, realloc and free,
whoever calls it. Batches of n and of 2 n spans that were never read before are traced; what grows between them is the
cost of a span, what does not is the cost of a call. realloc of the growing output is counted on its own.

Run as ``python -m spanwire_bench._allocations WORKLOAD N SIDE DIRECTORY`` it is that child.
"""

from __future__ import annotations

import gc
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from spanwire_bench import _mtrace
from spanwire_bench._costs import Unavailable
from spanwire_bench._mtrace import Traced

__all__ = ["Allocations", "Unavailable", "count"]


@dataclass(frozen=True, slots=True)
class Allocations:
    """One side on one workload: a call with ``batch`` spans and one with twice as many."""

    workload: str
    side: str
    batch: int
    single: Traced
    double: Traced

    @property
    def per_span(self) -> float:
        """Calls of malloc that each further span costs."""
        return (self.double.mallocs - self.single.mallocs) / self.batch

    @property
    def reallocs_per_span(self) -> float:
        return (self.double.reallocs - self.single.reallocs) / self.batch

    def as_json(self) -> dict[str, object]:
        return {
            "workload": self.workload,
            "side": self.side,
            "batch": self.batch,
            "mallocs_per_span": self.per_span,
            "reallocs_per_span": self.reallocs_per_span,
            "call": _as_json(self.single),
            "call_with_twice_the_spans": _as_json(self.double),
        }


def count(workloads: Sequence[str], batch: int) -> list[Allocations]:
    """Count for the official encoder (where installed) and ours. Raises Unavailable where the system cannot trace."""
    from spanwire_bench.encode import official_encoder

    sides = ["spanwire"] if official_encoder() is None else ["official", "spanwire"]
    return [_count_one(workload, batch, side) for workload in workloads for side in sides]


def _count_one(workload: str, batch: int, side: str) -> Allocations:
    with tempfile.TemporaryDirectory(prefix="spanwire-") as directory:
        child = subprocess.run(
            [sys.executable, "-m", __spec__.name, workload, str(batch), side, directory],
            env=_mtrace.environment(python_objects=True),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        traces = [pathlib.Path(directory, name) for name in ("empty", "single", "double")]
        if child.returncode or not all(trace.exists() for trace in traces):
            reason = (child.stderr.strip() or "nothing was traced").splitlines()[-1]
            raise Unavailable(f"allocations can only be counted by glibc's mtrace (2.34 and later): {reason}")
        nothing, single, double = (_mtrace.parse(trace) for trace in traces)
    return Allocations(workload, side, batch, _without(single, nothing), _without(double, nothing))


def _as_json(call: Traced) -> dict[str, int]:
    return {"mallocs": call.mallocs, "reallocs": call.reallocs, "bytes": call.bytes}


def _without(call: Traced, nothing: Traced) -> Traced:
    return Traced(call.mallocs - nothing.mallocs, call.reallocs - nothing.reallocs, call.bytes - nothing.bytes)


def _trace_here(workload: str, batch: int, side: str, directory: str) -> None:
    from spanwire import encode_spans
    from spanwire_bench import _workloads
    from spanwire_bench.encode import official_encoder

    start, stop = _mtrace.find()
    encoder = official_encoder() if side == "official" else encode_spans
    assert encoder is not None
    for seed in (0, 1):
        encoder(_workloads.make(workload, 2 * batch, seed=seed))  # whatever is made once: caches, buffers
    batches = {
        "empty": [],
        "single": _workloads.make(workload, batch, seed=2),
        "double": _workloads.make(workload, 2 * batch, seed=3),
    }
    gc.collect()
    gc.disable()
    for name, spans in batches.items():
        os.environ["MALLOC_TRACE"] = f"{directory}/{name}"  # mtrace reads it at each start
        start()
        encoder(spans)
        stop()


if __name__ == "__main__":
    _trace_here(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
