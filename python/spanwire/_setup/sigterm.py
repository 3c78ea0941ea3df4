"""SIGTERM: sends queued telemetry within a bound, then lets happen what was to happen.

A handler of Python's runs on the main thread between two bytecodes, so whatever lock that thread holds stays held meanwhile: the
flush runs on a thread of its own, and the handler waits for it without the GIL.
"""

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from opentelemetry import _logs, metrics, trace

from spanwire._settings._setup import SIGTERM_SECONDS

__all__ = ["SigtermFlush", "check_handler", "flush_all", "seconds_of"]

LONGER_SECONDS = 10.0  # flush_on_sigterm=True; container runtimes kill after 30 or 10
MOST_SECONDS = 24 * 3600.0
VARIABLE = "SPANWIRE_FLUSH_ON_SIGTERM"

_WORDS: dict[str, bool | None] = {"": None, "true": True, "false": False, "0": False}

Flush = Callable[[int], object]  # gets milliseconds


def seconds_of(given: bool | float | None) -> float | None:
    """How long a flush may take; 0: none is wanted; None: nothing was said, here or in the environment.

    :raises ValueError: if that is no such time.
    """
    name = "flush_on_sigterm"
    wanted: bool | float | str | None = given
    if wanted is None:
        name, wanted = VARIABLE, os.environ.get(VARIABLE, "").strip().lower()
        wanted = _WORDS.get(wanted, wanted)
    if wanted is None:
        return None
    try:
        seconds = LONGER_SECONDS if wanted is True else float(wanted)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is a number of seconds, at most a day: not {wanted!r}") from None
    if seconds and not 0 < seconds <= MOST_SECONDS:
        raise ValueError(f"{name} is a number of seconds, at most a day: not {seconds!r}")
    return seconds


def flush_all(timeout_millis: int) -> bool:
    """Sends what is queued by the providers that are set, traces first.

    :returns: whether all of it was answered within the time, which each of them has for itself.
    """
    found = (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider())
    answers = [one.force_flush(timeout_millis) for one in found if hasattr(one, "force_flush")]
    return all(answers)


def check_handler() -> None:
    """Whether a handler can be set where one was asked for.

    :raises ValueError: if not.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ValueError(
            "flush_on_sigterm works in the main thread only, as Python's signal handlers do: call spanwire.install() there"
        )
    if signal.getsignal(signal.SIGTERM) is None:
        raise ValueError(
            "flush_on_sigterm: SIGTERM is handled by native code, which cannot be called from Python; leave it out and "
            "call force_flush() where that ends the program"
        )


class SigtermFlush:
    """What happens when SIGTERM comes; ``str()`` of it is a line of the report.

    :param flush: sends what is queued, within so many milliseconds.
    :param seconds: the bound; 0: nothing is flushed; None: the default, which replaces no handler of anybody's.
    """

    def __init__(self, flush: Flush, seconds: float | None) -> None:
        self._flush = flush
        self._seconds = SIGTERM_SECONDS if seconds is None else seconds
        self._until: float | None = None  # while a signal is being handled
        self._before: Any = None
        self._report = ""
        if seconds == 0:
            return
        reason = self._set_up(chains=seconds is not None)
        if reason is not None:
            self._report = f"not flushed: {reason}; call force_flush() where that ends the program"

    def __str__(self) -> str:
        return self._report

    def _set_up(self, *, chains: bool) -> str | None:
        """Where nobody else handles the signal, and before another handler if that was asked for. Returns why not."""
        if threading.current_thread() is not threading.main_thread():
            return "set-up ran outside the main thread"
        handler = signal.getsignal(signal.SIGTERM)
        server = _uvicorn_server(handler)
        if server is not None:
            self._flush_after(server)
        elif handler is None or (handler is signal.SIG_DFL and _is_caught_natively()):
            return "native code handles it"
        elif handler is signal.SIG_DFL or chains:
            self._handle_signal()
        else:
            return f"{_named(handler)} handles it"
        return None

    def _handle_signal(self) -> None:
        self._before = signal.getsignal(signal.SIGTERM)
        self._report = f"flushes for {self._seconds:g} s at most, then as before"
        self._handler = self._handle  # one object, which others compare
        signal.signal(signal.SIGTERM, self._handler)

    def _flush_after(self, server: Any) -> None:
        """Flush when uvicorn has shut down: with its own handler in place it imports the application, and then dies of the signal."""
        shutdown = server.shutdown

        async def shutdown_and_flush(*args: Any, **kwargs: Any) -> Any:
            try:
                return await shutdown(*args, **kwargs)
            finally:
                self._flush_within(self._seconds)

        server.shutdown = shutdown_and_flush
        self._report = f"flushes for {self._seconds:g} s at most when uvicorn has shut down"

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_first = self._until is None  # another one meanwhile gets what is left of the time
        if self._until is None:
            self._until = time.monotonic() + self._seconds
        try:
            self._flush_within(max(0.0, self._until - time.monotonic()))
        finally:
            if is_first:
                self._until = None
        if callable(self._before):
            self._before(number, frame)
        elif self._before is signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, self._handler)  # process 1 of a container lives on: the kernel ignores its default

    def _flush_within(self, seconds: float) -> None:
        _within(seconds, lambda: self._flush(int(seconds * 1000)))


def _uvicorn_server(handler: object) -> Any:
    """The ``uvicorn.Server`` whose method a handler is, or None."""
    server = getattr(handler, "__self__", None)
    module = sys.modules.get("uvicorn.server")
    return server if module is not None and isinstance(server, module.Server) else None


def _is_caught_natively() -> bool:
    """Whether C code has set a handler that Python does not know of, as uWSGI does."""
    if "uwsgi" in sys.modules:
        return True
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
            caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
    except (OSError, StopIteration, ValueError):  # no Linux
        return False
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def _named(handler: Any) -> str:
    kind = handler if hasattr(handler, "__qualname__") else type(handler)
    return "SIG_IGN" if handler is signal.SIG_IGN else f"{kind.__module__}.{kind.__qualname__}"


def _within(seconds: float, work: Callable[[], object]) -> None:
    """Do it in a thread of its own: this one may have been interrupted while it held what a flush waits for.

    The system's threads and locks: those of ``threading`` may be held here too, and gevent's cannot be waited for in its hub.
    """
    done = _original("allocate_lock")()
    done.acquire()

    def run() -> None:
        try:
            work()
        finally:
            done.release()

    try:
        _original("start_new_thread")(run, ())
    except RuntimeError:  # no more threads, or the interpreter is ending: what was to happen then must happen still
        return
    done.acquire(timeout=seconds)


def _original(name: str) -> Any:
    monkey = sys.modules.get("gevent.monkey")
    return getattr(_thread, name) if monkey is None else monkey.get_original("_thread", name)
