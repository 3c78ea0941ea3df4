"""Instructions an operation by function and by source file: what callgrind says of one case in a process of its own.

What decides about the counts beside the code is held: the environment has a handful of variables, the kernels' instruction set is
named (valgrind knows AVX2 at most), strings hash alike in each run, and the wall clock is the system's, since a clock that counts by
itself looks at that one every so many milliseconds, which are more or fewer spans on a busy machine.
"""

from __future__ import annotations

import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benches.guard import _child
from benches.guard._build import Tree
from spanwire_bench._callgrind import entries

__all__ = ["Case", "Counts", "Failed", "cases", "count", "count_all", "level", "summed"]

_LEAST = 0.002  # of a case: what takes less is not worth a line of the baseline
_MARK = "getppid"
_TIMEOUT = 600


class Failed(Exception):
    """A case did not run, or valgrind did not; the text says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is counted: ``group`` is ``kernels`` or ``python``, ``operations`` how many a round has, ``what`` one of them is."""

    name: str
    group: str
    operations: int
    what: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Instructions an operation: all of them, and the larger parts by function (``NAME [LIBRARY]``) and by source file."""

    total: float
    functions: dict[str, float] = field(default_factory=dict)
    sources: dict[str, float] = field(default_factory=dict)


def cases(tree: Tree) -> list[Case]:
    """All of them: the kernels as their program lists them, then Python's."""
    listed = subprocess.run([tree.kernels], capture_output=True, text=True, check=True).stdout.splitlines()
    kernels = [Case(name, "kernels", int(number), what) for name, number, what in (row.split("\t") for row in listed)]
    return kernels + [Case(name, "python", _child.ROUND, what) for name, (_, what) in _child.CASES.items()]


def level() -> str:
    """The widest instruction set that a program under valgrind has on every machine of today."""
    return "avx2" if platform.machine() == "x86_64" else "neon"


def count_all(wanted: Sequence[Case], tree: Tree, jobs: int) -> Iterator[tuple[Case, Counts]]:
    """Counts the cases, ``jobs`` at a time; in their order, each as soon as it is there. Raises Failed."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(wanted, pool.map(lambda case: count(case, tree), wanted), strict=True)


def count(case: Case, tree: Tree) -> Counts:
    """Runs a case under callgrind. Raises Failed."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Failed("there is no valgrind")
    if case.group == "kernels":
        command = [str(tree.kernels), case.name]
    else:
        command = [sys.executable, str(Path(_child.__file__)), case.name]
    with tempfile.TemporaryDirectory(prefix="spanwire-") as folder:
        out = Path(folder, "out")
        options = ["--tool=callgrind", f"--callgrind-out-file={out}", f"--dump-before={_MARK}"]
        try:
            done = subprocess.run(
                [valgrind, *options, *command],
                env=_environment(tree),
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{case.name}: not done after {_TIMEOUT} s") from error
        if done.returncode:
            said = (done.stderr.strip() or "it said nothing").splitlines()
            raise Failed("\n".join([f"{case.name}: callgrind failed:", *said[-10:]]))
        # What was executed before a mark: the first file ends where the first round begins, the second where that ends, and so on.
        rounds = []
        number = 2
        while (path := out.with_name(f"out.{number}")).exists():
            with path.open(encoding="utf-8", errors="replace") as lines:
                rounds.append(summed(lines, case.operations))
            number += 2
    if not rounds:
        raise Failed(f"{case.name}: callgrind saw no call of {_MARK}")
    middle = statistics.median_low(one.total for one in rounds)
    return next(one for one in rounds if one.total == middle)


def _environment(tree: Tree) -> dict[str, str]:
    return {
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(tree.package),
        "SPANWIRE_CLOCK": "system",
        "SPANWIRE_SIMD": level(),
    }


def summed(lines: Iterable[str], operations: int) -> Counts:
    """A callgrind file's costs, an operation; parts that come to little are in the total only."""
    functions: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    for function, library, file, cost in entries(lines):
        functions[f"{_plain(function)} [{library}]"] += cost
        if source := _source(file):
            sources[source] += cost
    least = _LEAST * functions.total()

    def large(parts: Counter[str]) -> dict[str, float]:
        return {name: round(cost / operations, 2) for name, cost in parts.most_common() if cost >= least}

    return Counts(round(functions.total() / operations, 2), large(functions), large(sources))


# What compilers add to names: a copy of a function has another number in each build.
_ADDED = re.compile(r"(::h[0-9a-f]{16}|\.llvm\.\d+|\.(isra|constprop|part|lto_priv|cold)(\.\d+)*)+(?=$|')")


def _plain(function: str) -> str:
    return _ADDED.sub("", function)


# Rust's library; and ours, wherever the checkout is: cargo takes what another copy of the same sources made, with its names.
_SOURCES = re.compile(r"/rustc/\w+/(library/.*)|(?!.*/registry/)(?:.*/)?((?:native|benches/guard/src|build/cython)/.*)")


def _source(file: str) -> str:
    """A file of ours from the checkout on, one of Rust's library from there on; nothing for the rest."""
    found = _SOURCES.fullmatch(file)
    return (found[1] or found[2]) if found else ""
