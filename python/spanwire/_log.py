"""Log lines for people: at most one a minute for each kind of trouble."""

import contextlib
import logging
import os
import threading
import time
import traceback

__all__ = ["INTERVAL_SECONDS", "warn"]

INTERVAL_SECONDS = 60.0
logger = logging.getLogger("spanwire")

# Reentrant: a signal handler or a finalizer that runs inside warn() may itself come here.
_lock = threading.RLock()
_last: dict[str, tuple[float, int]] = {}  # kind -> (when it was last logged, how many were held back since)


def _forget_lock() -> None:
    """A child forked while another thread is in :func:`warn` would find the lock taken for ever."""
    global _lock  # noqa: PLW0603 - where everybody finds it
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


def warn(kind: str, message: str, *args: object) -> None:
    """Log ``message % args`` as a warning unless this kind was logged in the last minute; never raises.

    A line that was held back is counted, and the next one of its kind says how many were.
    """
    now = time.monotonic()
    with _lock:
        when, held_back = _last.get(kind, (-INTERVAL_SECONDS, 0))
        if now - when < INTERVAL_SECONDS:
            _last[kind] = (when, held_back + 1)
            return
        _last[kind] = (now, 0)
    if held_back:
        message += " (%d more like this in the last minutes)"
        args = (*args, held_back)
    try:
        logger.warning(message, *args)
    except Exception:  # a handler or filter of the application that fails, far from its own code
        if logging.raiseExceptions:
            with contextlib.suppress(Exception):  # a stream that is closed
                traceback.print_exc()
