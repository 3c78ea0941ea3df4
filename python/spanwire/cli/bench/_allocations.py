"""How often memory is allocated while a batch is encoded, counted by the C library, Python's own objects included.

A child process runs with ``PYTHONMALLOC=malloc`` (every Python object then comes from malloc, not from the arenas that
hide it) and glibc's libc_malloc_debug preloaded, whose ``mtrace`` writes one line for every malloc, realloc and free,
whoever calls it. Batches of n and of 2 n spans that were never read before are traced; what grows between them is the
cost of a span, what does not is the cost of a call. realloc of the growing output is counted on its own.

Run as ``python -m spanwire.cli.bench._allocations WORKLOAD N SIDE DIRECTORY`` it is that child.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

__all__ = ["Allocations", "Unavailable", "count"]

_DEBUG_LIBRARY = "libc_malloc_debug.so.0"


class Unavailable(Exception):
    """This system has no mtrace (it is not glibc, or older than 2.34)."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What one call allocated: malloc and calloc calls, realloc calls, and the bytes that were asked for."""

    mallocs: int
    reallocs: int
    bytes: int


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
            "call": asdict(self.single),
            "call_with_twice_the_spans": asdict(self.double),
        }


def count(workloads: Sequence[str], batch: int) -> list[Allocations]:
    """Count for the official encoder (where installed) and ours. Raises Unavailable where the system cannot trace."""
    from spanwire.cli.bench.encode import official_encoder

    sides = ["spanwire"] if official_encoder() is None else ["official", "spanwire"]
    return [_count_one(workload, batch, side) for workload in workloads for side in sides]


def _count_one(workload: str, batch: int, side: str) -> Allocations:
    with tempfile.TemporaryDirectory(prefix="spanwire-") as directory:
        child = subprocess.run(
            [sys.executable, "-m", __spec__.name, workload, str(batch), side, directory],
            env={**os.environ, "PYTHONMALLOC": "malloc", "LD_PRELOAD": _DEBUG_LIBRARY, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        traces = [pathlib.Path(directory, name) for name in ("empty", "single", "double")]
        if child.returncode or not all(trace.exists() for trace in traces):
            reason = (child.stderr.strip() or "nothing was traced").splitlines()[-1]
            raise Unavailable(f"allocations can only be counted by glibc's mtrace (2.34 and later): {reason}")
        nothing, single, double = (_parse(trace) for trace in traces)
    return Allocations(workload, side, batch, _without(single, nothing), _without(double, nothing))


def _parse(trace: pathlib.Path) -> Traced:
    """The lines of mtrace are ``@ WHERE SIGN ADDRESS SIZE``: ``+`` malloc, ``<`` and ``>`` the two halves of a realloc."""
    mallocs = reallocs = asked = 0
    for line in trace.read_text(encoding="ascii", errors="replace").splitlines():
        match line.split()[-3:]:
            case ["+", _, size]:
                mallocs += 1
                asked += int(size, 16)
            case [">", _, size]:
                reallocs += 1
                asked += int(size, 16)
    return Traced(mallocs, reallocs, asked)


def _without(call: Traced, nothing: Traced) -> Traced:
    return Traced(call.mallocs - nothing.mallocs, call.reallocs - nothing.reallocs, call.bytes - nothing.bytes)


def _trace_here(workload: str, batch: int, side: str, directory: str) -> None:
    from spanwire import encode_spans
    from spanwire.cli import _workloads
    from spanwire.cli.bench.encode import official_encoder

    start, stop = _mtrace()
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


def _mtrace() -> tuple[Callable[[], object], Callable[[], object]]:
    """Find mtrace and muntrace as the preloaded library has them: versioned symbols; the C library's own do nothing now."""
    handle = ctypes.CDLL(_DEBUG_LIBRARY)._handle  # noqa: SLF001 - the only way to it
    find = ctypes.CDLL(None).dlvsym
    find.restype = ctypes.c_void_p
    find.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
    for version in (b"GLIBC_2.2.5", b"GLIBC_2.17", b"GLIBC_2.27"):  # by architecture: the oldest it has
        found = [find(handle, name, version) for name in (b"mtrace", b"muntrace")]
        if all(found):
            prototype = ctypes.CFUNCTYPE(None)
            return prototype(found[0]), prototype(found[1])
    raise OSError(f"{_DEBUG_LIBRARY} has no mtrace")


if __name__ == "__main__":
    _trace_here(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
