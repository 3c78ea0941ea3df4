"""Forks that C code makes, of a Python program that hears of them."""

import ctypes
from collections.abc import Callable

__all__ = ["by_c"]

_libc = ctypes.PyDLL(None)


def by_c() -> Callable[[], int]:
    """As uWSGI does: fork(2) from C, between Python's own preparations and clean-up, before any bytecode runs.

    Calling these from Python around a fork would come too late: the interpreter may want to hand over the GIL first, to a
    thread that the child does not have, and waits for ever.
    """
    names = ("PyOS_BeforeFork", "PyOS_AfterFork_Parent", "PyOS_AfterFork_Child")
    hooks = [ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p) for name in names]
    _libc.__register_atfork(*hooks, None)
    return lambda: int(_libc.fork())
