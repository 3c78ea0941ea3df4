"""Calls of malloc, counted by glibc: its libc_malloc_debug, preloaded, writes a line for each between two calls of ours.

A process that is to be traced is started with ``environment()``, calls what ``find()`` gives, and leaves files that
``parse()`` reads. With ``python_objects`` Python takes every object from malloc, and not from the arenas that hide it.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spanwire_bench._costs import object_name

__all__ = ["Traced", "environment", "find", "parse"]

_DEBUG_LIBRARY = "libc_malloc_debug.so.0"


@dataclass(frozen=True, slots=True)
class Traced:
    """What was allocated: malloc and calloc calls, realloc calls, the bytes asked for; both kinds of calls by who called."""

    mallocs: int
    reallocs: int
    bytes: int
    callers: Counter[str] = field(default_factory=Counter, compare=False)


def environment(*, python_objects: bool) -> Mapping[str, str]:
    """Of a process that can be traced."""
    allocator = "malloc" if python_objects else "pymalloc"
    return {**os.environ, "PYTHONMALLOC": allocator, "LD_PRELOAD": _DEBUG_LIBRARY, "PYTHONHASHSEED": "0"}


def parse(trace: pathlib.Path) -> Traced:
    """The lines of mtrace are ``@ WHERE SIGN ADDRESS SIZE``: ``+`` malloc, ``<`` and ``>`` the two halves of a realloc."""
    mallocs = reallocs = asked = 0
    callers: Counter[str] = Counter()
    for line in trace.read_text(encoding="ascii", errors="replace").splitlines():
        parts = line.split()
        match parts[-3:]:
            case ["+", _, size]:
                mallocs += 1
            case [">", _, size]:
                reallocs += 1
            case _:
                continue
        asked += int(size, 16)
        callers[object_name(parts[1].partition(":")[0])] += 1
    return Traced(mallocs, reallocs, asked, callers)


def find() -> tuple[Callable[[], object], Callable[[], object]]:
    """Find mtrace and muntrace as the preloaded library has them: versioned symbols; the C library's own do nothing now.

    The first reads the name of its file from MALLOC_TRACE at each call. Raises OSError where there is no such library.
    """
    handle = ctypes.CDLL(_DEBUG_LIBRARY)._handle
    lookup = ctypes.CDLL(None).dlvsym
    lookup.restype = ctypes.c_void_p
    lookup.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
    for version in (b"GLIBC_2.2.5", b"GLIBC_2.17", b"GLIBC_2.27"):  # by architecture: the oldest it has
        found = [lookup(handle, name, version) for name in (b"mtrace", b"muntrace")]
        if all(found):
            prototype = ctypes.CFUNCTYPE(None)
            return prototype(found[0]), prototype(found[1])
    raise OSError(f"{_DEBUG_LIBRARY} has no mtrace")
