"""What perf knows: where the time of an operation goes, by function, and how many instructions a program has executed.

To sample, perf is attached to a ``_trace_child`` that goes round and round, so neither start nor import is in what it sees. Instructions
are counted around a whole program, twice: the difference of two runs that differ in length is what the work costs.
"""

from __future__ import annotations

import functools
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence

from spanwire_bench import _trace_child
from spanwire_bench._costs import Cost, Unavailable, object_name

__all__ = ["NotCounted", "counted", "counting", "instructions", "parse", "per_unit", "recording", "report", "sample"]

_FREQUENCY = 4000
_EVENT = "instructions:u"


class NotCounted(Exception):
    """There is no count of instructions; the text says why."""


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


@functools.cache
def counting() -> str | None:
    """Why this machine counts no instructions; None where it does. Asked once."""
    if shutil.which("perf") is None:
        return "not counted: there is no perf"
    with tempfile.TemporaryDirectory(prefix="spanwire-") as directory:
        output = str(pathlib.Path(directory, "count"))
        try:
            done = subprocess.run(counted(["true"], output), capture_output=True, text=True, timeout=60, check=False)
            if done.returncode:
                lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
                return f"not counted: perf may not look: {lines[0] if lines else f'status {done.returncode}'}"
            instructions(output)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"not counted: perf does not run: {error}"
        except NotCounted as error:
            return f"not counted: {error}"
    return None


def counted(command: Sequence[str], output: str) -> list[str]:
    """The command below perf, which leaves its count in the file ``output`` (see ``instructions``); status and streams are the command's."""
    return ["perf", "stat", "-x", ",", "-e", _EVENT, "-o", output, "--", *command]


def instructions(output: str) -> float:
    """What ``counted`` left: of user space, all threads and children. Raises NotCounted."""
    try:
        lines = pathlib.Path(output).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise NotCounted(f"perf wrote nothing: {error.strerror}") from None
    for line in lines:
        count, _, rest = line.partition(",")
        if _EVENT.partition(":")[0] in rest:
            try:
                return float(count)
            except ValueError:
                raise NotCounted(f"perf says {count.strip('<> ')}") from None
    raise NotCounted("perf said nothing of instructions")


def per_unit(run: Callable[[int, Callable[[list[str]], list[str]]], object], units: int) -> float:
    """Instructions a unit of work, start and warm-up left out: what ``2 * units`` take more than ``units``.

    :param run: given a number of units and a function that puts a command below perf, starts that and waits for its end; what it
        raises is passed on.
    :raises NotCounted: where there is no count, or the longer run had fewer.
    """
    if (why := counting()) is not None:
        raise NotCounted(why)
    counts = []
    with tempfile.TemporaryDirectory(prefix="spanwire-") as directory:
        for times in (1, 2):
            output = str(pathlib.Path(directory, str(times)))
            run(times * units, lambda command, output=output: counted(command, output))  # type: ignore[misc]
            counts.append(instructions(output))
    if counts[1] <= counts[0]:
        raise NotCounted("twice the work had no more instructions")
    return (counts[1] - counts[0]) / units
