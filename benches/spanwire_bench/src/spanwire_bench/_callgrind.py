"""Instructions an operation, by function, as valgrind's callgrind counts them.

Two runs of ``_trace_child`` that differ only in how many operations they do: what grows between them is the operations',
and starting, importing and ending cancel out. Unlike time, the counts hardly depend on the machine or on who else is
busy on it.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator

from spanwire_bench import _trace_child
from spanwire_bench._costs import Cost, Unavailable, object_name

__all__ = ["count", "entries", "parse"]

_LEAST = 0.5  # instructions an operation: below it is what two starts differ by
_Costs = Counter[tuple[str, str]]


def count(case: str, side: str, operations: int) -> list[Cost]:
    """Instructions an operation, the dearest function first. Raises Unavailable where there is no valgrind."""
    if shutil.which("valgrind") is None:
        raise Unavailable("instructions are counted by valgrind --tool=callgrind, and there is no valgrind")
    with tempfile.TemporaryDirectory(prefix="spanwire-") as directory:
        nothing, all_of_it = (
            _counted(_trace_child.command(case, side, number), pathlib.Path(directory, str(number)))
            for number in (0, operations)
        )
    grown = {key: (cost - nothing[key]) / operations for key, cost in all_of_it.items()}
    costs = [Cost(function, where, amount) for (function, where), amount in grown.items() if amount >= _LEAST]
    return sorted(costs, key=lambda one: one.amount, reverse=True)


def _counted(command: list[str], out: pathlib.Path) -> _Costs:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode or not out.exists():
        raise Unavailable(f"callgrind failed: {(done.stderr.strip() or 'no output').splitlines()[-1]}")
    with out.open(encoding="utf-8", errors="replace") as lines:
        return parse(lines)


_NAMED = re.compile(r"(c?)(fn|ob|fl|fi|fe)=\((\d+)\)(?: (.*))?")
_RECURSION = re.compile(r"'\d+$")


def parse(lines: Iterable[str]) -> _Costs:
    """Each function's own instructions from a callgrind file, by (function, object)."""
    costs: _Costs = Counter()
    for function, where, _, cost in entries(lines):
        costs[function, where] += cost
    return costs


def entries(lines: Iterable[str]) -> Iterator[tuple[str, str, str, int]]:
    """A callgrind file's costs: function, object, source file (of what was inlined: that file), instructions.

    Names are given once and then by number; a line of costs is ``POSITION COST``; the one after ``calls=`` is what the
    called function took, which is counted there.
    """
    names: dict[tuple[str, str], str] = {}
    function = where = file = ""
    inclusive = False
    for line in lines:
        if named := _NAMED.match(line):
            called, what, number, name = named.groups()
            key = (what if what in {"fn", "ob"} else "file", number)
            if name is not None:
                names[key] = name
            if called:
                continue
            if what == "fn":
                function = _RECURSION.sub("", names[key])
            elif what == "ob":
                where = object_name(names[key])
            else:
                file = names[key]
        elif line.startswith("calls="):
            inclusive = True
        elif line[:1] in "0123456789+-*" and line.strip():
            if not inclusive:
                yield function, where, file, int(line.split()[1])
            inclusive = False
