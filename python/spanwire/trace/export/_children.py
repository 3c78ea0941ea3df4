"""Children that ``multiprocessing`` forks end by ``os._exit``: no handler of ``atexit`` runs in them. In those that it spawns they do run."""

import os
import sys
import threading
from collections.abc import Callable
from weakref import WeakMethod

__all__ = ["at_end_of_child"]

_LAST = -1_000  # of all finalizers of multiprocessing: those of the application may end spans
_BEGUN = os.getpid()


def at_end_of_child(method: "WeakMethod[Callable[[], None]]") -> None:
    """In a child that ``multiprocessing`` has forked: have it called last of all when the child ends, unless threads go on after that.
    Elsewhere nothing: handlers of ``atexit`` run there, after all finalizers, and those of the application may end spans.
    """
    if "--multiprocessing-fork" in sys.orig_argv and os.getpid() == _BEGUN:  # spawned, and not forked by one that was
        return
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, _call, args=(method,), exitpriority=_LAST)


def _call(method: "WeakMethod[Callable[[], None]]") -> None:
    main = threading.main_thread()
    if any(thread is not main and not thread.daemon for thread in threading.enumerate()):
        return  # the child waits for them after this, and they may end spans
    function = method()
    if function is not None:
        function()
