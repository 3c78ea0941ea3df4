"""Whether creating a span allocates memory, by three counters that do not know of each other.

- glibc's mtrace (``_mtrace``) while ``n`` and 2 ``n`` operations run; what grows is theirs. Once as the program is, when
  Python takes small objects from its arenas: what native code allocates. Once with every Python object taken from malloc:
  all of it. What a freelist gives (our Span and Scope) is no call of malloc.
- ``sys.getallocatedblocks()``: how many more of Python's blocks there are after ``n`` operations than before.
- tracemalloc: how many bytes more there are, at the end and at the peak, for all ``n`` together.

The floor is CPython's own: setting a ContextVar and resetting it allocates, whoever does it (cases ``context-variable``),
and so does finding an enum's member, up to 3.11 (case ``enum-member``).

Run as ``python -m spanwire_bench._trace_allocations CASE SIDE N DIRECTORY`` it is the process that is counted.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import pathlib
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

from spanwire.cli.toolkit import forget_environment
from spanwire_bench import _mtrace
from spanwire_bench._costs import Unavailable
from spanwire_bench._mtrace import Traced

__all__ = ["Allocations", "count"]

_WARM = 20_000  # until the queue of what is discarded is at its bound, and takes no more memory
_TRACES = ("single", "double")


@dataclass(frozen=True, slots=True)
class Allocations:
    """A side of a case: calls of malloc an operation, and what ``operations`` of them leave behind or need at once."""

    case: str
    side: str
    operations: int
    native: float
    native_callers: dict[str, float]
    all: float
    blocks_left: int
    bytes_left: int
    bytes_at_peak: int

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "case": self.case,
            "side": self.side,
            "operations": self.operations,
            "native_mallocs_per_operation": self.native,
            "native_mallocs_per_operation_by_caller": self.native_callers,
            "mallocs_per_operation": self.all,
            "python_blocks_left": self.blocks_left,
            "python_bytes_left": self.bytes_left,
            "python_bytes_at_peak": self.bytes_at_peak,
        }


def count(case: str, side: str, operations: int) -> Allocations:
    """Count by all three. Raises Unavailable where the C library has no mtrace."""
    single, double, held = _counted(case, side, operations, python_objects=False)
    objects_single, objects_double, _ = _counted(case, side, operations, python_objects=True)
    callers = {
        name: grown
        for name in double.callers
        if (grown := (double.callers[name] - single.callers[name]) / operations) > 0
    }
    return Allocations(
        case,
        side,
        operations,
        _grown(single, double) / operations,
        callers,
        _grown(objects_single, objects_double) / operations,
        **held,
    )


def _grown(single: Traced, double: Traced) -> int:
    return double.mallocs + double.reallocs - single.mallocs - single.reallocs


def _counted(case: str, side: str, operations: int, *, python_objects: bool) -> tuple[Traced, Traced, dict[str, int]]:
    with tempfile.TemporaryDirectory(prefix="spanwire-") as directory:
        child = subprocess.run(
            [sys.executable, "-m", __spec__.name, case, side, str(operations), directory],
            env=_mtrace.environment(python_objects=python_objects),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        traces = [pathlib.Path(directory, name) for name in _TRACES]
        if child.returncode or not all(trace.exists() for trace in traces):
            reason = (child.stderr.strip() or "nothing was traced").splitlines()[-1]
            raise Unavailable(f"allocations can only be counted by glibc's mtrace (2.34 and later): {reason}")
        held: dict[str, int] = json.loads(child.stdout)
        single, double = map(_mtrace.parse, traces)
    return single, double, held


def _count_here(case_name: str, side_name: str, operations: int, directory: str) -> None:
    from spanwire_bench._trace_cases import CASES
    from spanwire_bench._trace_sides import Side

    forget_environment()
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    (case,) = (one for one in CASES if one.name == case_name)
    start, stop = _mtrace.find()
    with Side(side_name) as side:
        run = case.make(side)
        run(_WARM)
        gc.collect()
        gc.disable()
        for name, number in zip(_TRACES, (operations, 2 * operations), strict=True):
            os.environ["MALLOC_TRACE"] = f"{directory}/{name}"
            start()
            run(number)
            stop()
        held = {"blocks_left": _blocks_left(run, operations)}
        tracemalloc.start()
        run(operations)  # what tracemalloc itself and the first traced objects take
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        run(operations)
        after, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    print(json.dumps({**held, "bytes_left": after - before, "bytes_at_peak": peak - before}))


def _blocks_left(run: Callable[[int], float], operations: int) -> int:
    before = sys.getallocatedblocks()
    run(operations)
    return sys.getallocatedblocks() - before


if __name__ == "__main__":
    _count_here(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
