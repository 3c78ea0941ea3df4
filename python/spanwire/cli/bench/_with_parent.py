"""Processes that end when whoever started them is gone, however that ended (on Linux; elsewhere nothing is done).

As a program it is put before another, which takes its place: ``python _with_parent.py PROGRAM ARGUMENTS``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["before", "end_with_parent"]

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """From now on; what this process starts is not concerned, what takes its place is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def before(program: str) -> list[str]:
    """What to start for a program that ends with its parent; the process is the program's own."""
    return [sys.executable, "-I", "-S", __file__, program] if sys.platform == "linux" else [program]


if __name__ == "__main__":
    end_with_parent()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # what it was told to
