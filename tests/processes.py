"""Runs a program to its end in a process of its own, and checks how it ended: the one cold runner of the tests.

It shows what the program printed when it ended otherwise than expected. What must be watched while it runs is a Popen of the test's.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

__all__ = ["Ended", "python", "run"]

Ended = subprocess.CompletedProcess[str]


def run(
    command: Sequence[object],
    *,
    status: int | None = 0,
    quiet: bool = False,
    timeout: float = 60,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Ended:
    """What ``command`` printed.

    :param status: how it must end; None: the caller looks.
    :param quiet: nothing may stand on standard error.
    :param timeout: in seconds; a program that hangs fails the test.
    :param folder: where it runs; None: in this process's.
    :param environment: all of its variables; None: this process's.
    :param variables: those that differ.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**(os.environ if environment is None else environment), **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    said = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert status is None or done.returncode == status, f"status {done.returncode} of {command}\n{said}"
    assert not quiet or done.stderr == "", said
    return done


def python(
    *arguments: object,
    before: Sequence[object] = (),
    status: int | None = 0,
    quiet: bool = False,
    timeout: float = 60,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Ended:
    """What this Python printed, run with ``arguments``; see :func:`run`.

    :param before: a program and its arguments that run the interpreter.
    """
    return run(
        [*before, sys.executable, *arguments],
        status=status,
        quiet=quiet,
        timeout=timeout,
        folder=folder,
        environment=environment,
        variables=variables,
    )
