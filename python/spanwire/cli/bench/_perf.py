"""Where the time of an operation goes, by function, as perf samples it by the CPU clock.

perf is attached to a ``_trace_child`` that goes round and round, so neither start nor import is in what it sees.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable

from spanwire.cli.bench import _trace_child
from spanwire.cli.bench._costs import Cost, Unavailable, object_name

__all__ = ["parse", "recording", "report", "sample"]

_FREQUENCY = 4000


def sample(case: str, side: str, seconds: float) -> list[Cost]:
    """Time (ns) an operation, the dearest function first. Raises Unavailable where there is no perf, or it may not."""
    if shutil.which("perf") is None:
        raise Unavailable("time by function is sampled by perf, and there is no perf")
    with (
        tempfile.TemporaryDirectory(prefix="spanwire-") as directory,
        subprocess.Popen(
            _trace_child.command(case, side), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        if child.stdout.readline() != "ready\n":
            raise Unavailable("the program to look at did not start")
        data = str(pathlib.Path(directory, "perf.data"))
        record = _perf(*recording(child.pid, data), "--", "sleep", f"{seconds}")
        child.stdin.close()
        took = float(child.stdout.read())
        if record.returncode:
            raise Unavailable(f"perf may not look: {(record.stderr.strip() or 'no reason').splitlines()[-1]}")
        costs = report(data, took)
    if not costs:
        raise Unavailable("perf saw nothing")
    return costs


def recording(pid: int, data: str) -> list[str]:
    """Arguments of perf to sample a process and its threads, until it ends, into the file ``data``."""
    return ["record", "-e", "cpu-clock", "-F", str(_FREQUENCY), "-o", data, "-p", str(pid)]


def report(data: str, took: float) -> list[Cost]:
    """What was sampled into ``data``, shared out among the functions; ``took`` is all of it."""
    said = _perf("report", "-i", data, "--stdio", "-q", "-F", "overhead,dso,symbol", "-t", "|")
    return [Cost(one.function, one.where, one.amount * took) for one in parse(said.stdout.splitlines())]


def _perf(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["perf", *arguments], capture_output=True, text=True, timeout=120, check=False)


def parse(lines: Iterable[str]) -> list[Cost]:
    """Shares (0 to 1) from lines like ``12.34%|libc.so.6|[.] memmove``."""
    found = []
    for line in lines:
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 3 and parts[0].endswith("%"):
            share, where, symbol = parts
            found.append(Cost(symbol.partition("] ")[2] or symbol, object_name(where), float(share[:-1]) / 100))
    return found
