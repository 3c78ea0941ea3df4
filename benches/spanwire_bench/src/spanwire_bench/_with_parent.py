"""Processes that end when whoever started them is gone, however that ended (on Linux; elsewhere nothing is done).

As a program it is put before another, which takes its place: ``python _with_parent.py PROGRAM ARGUMENTS``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["RUNNER", "before", "end_with_parent"]

RUNNER = "_SPANWIRE_BENCH_RUNNER"
"""Of the environment: the process that everything is to end with."""
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """From now on; what this process starts is not concerned, what takes its place is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if (runner := os.environ.get(RUNNER)) is not None and not _runs(runner):
            os._exit(1)  # it ended while this process was starting


def _runs(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # pathlib takes as long as everything else here
            return stat.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def before(program: str) -> list[str]:
    """What to start for a program that ends with its parent; the process is the program's own."""
    return [sys.executable, "-I", "-S", __file__, program] if sys.platform == "linux" else [program]


if __name__ == "__main__":
    end_with_parent()
    os.execv(sys.argv[1], sys.argv[1:])  # what it was told to
