"""Log lines for people: at most one a minute for each kind of trouble."""

import contextlib
import logging
import os
import threading
import time
import traceback

__all__ = ["INTERVAL_SECONDS", "MOST_OF_A_KIND", "take_left_out", "warn", "warning"]

INTERVAL_SECONDS = 60.0
MOST_OF_A_KIND = 20  # lines in that time of a kind whose lines are about different things
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


def warn(kind: str, message: str, *args: object, about: str | None = None) -> None:
    """Log ``message % args`` as a warning unless this kind was logged in the last minute; never raises.

    A line that was held back is counted, and the next one of its kind says how many were.

    :param about: what the line is about, if there may be many: one a minute about each, and of the kind no more than
        ``MOST_OF_A_KIND``; :func:`take_left_out` has the number of the others.
    """
    now = time.monotonic()
    with _lock:
        one = kind if about is None else f"{kind} {about}"
        when, held_back = _last.get(one, (-INTERVAL_SECONDS, 0))
        if now - when < INTERVAL_SECONDS:
            _last[one] = (when, held_back + 1)
            return
        if about is not None and not _has_room(kind, now):
            when, left_out = _last.get(kind, (-INTERVAL_SECONDS, 0))
            _last[kind] = (when, left_out + 1)
            return
        _last[one] = (now, 0)
    if held_back:
        message += " (%d more like this in the last minutes)"
        args = (*args, held_back)
    warning(message, *args)


def _has_room(kind: str, now: float) -> bool:
    """Whether one more line of the kind may be logged in this minute. Forgets what was logged long ago."""
    # Of a copy: a finalizer that runs here may itself warn.
    of_it = [(one, now - when) for one, (when, _) in _last.copy().items() if one.startswith(f"{kind} ")]
    for one, age in of_it:
        if age >= 2 * INTERVAL_SECONDS:
            _last.pop(one, None)
    return sum(age < INTERVAL_SECONDS for _, age in of_it) < MOST_OF_A_KIND


def take_left_out(kind: str, *, is_last: bool = False) -> int:
    """How many lines of the kind there were no room for since it was asked; 0 also if that was less than a minute ago, unless ``is_last``."""
    now = time.monotonic()
    with _lock:
        when, left_out = _last.get(kind, (-INTERVAL_SECONDS, 0))
        if not left_out or (now - when < INTERVAL_SECONDS and not is_last):
            return 0
        _last[kind] = (now, 0)
        return left_out


def warning(message: str, *args: object) -> None:
    """Log ``message % args`` as a warning, whatever was logged before; never raises."""
    try:
        logger.warning(message, *args)
    except Exception:  # a handler or filter of the application that fails, far from its own code
        if logging.raiseExceptions:
            with contextlib.suppress(Exception):  # a stream that is closed
                traceback.print_exc()
