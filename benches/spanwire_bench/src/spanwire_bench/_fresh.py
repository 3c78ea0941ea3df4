"""A part of a benchmark in an interpreter of its own, so that it meets neither memory nor threads of what ran before."""

from __future__ import annotations

import subprocess
import sys

__all__ = ["ChildFailed", "run"]


class ChildFailed(Exception):
    """A child ended with an error; the text is the last that it said."""


def run(module: str, *arguments: object, timeout: float = 600) -> bytes:
    """What ``python -m module arguments`` writes to its standard output. Raises ChildFailed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"{module} took more than {timeout:g} s") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ChildFailed(f"{module}: {lines[-1] if lines else f'status {done.returncode}'}")
    return done.stdout
