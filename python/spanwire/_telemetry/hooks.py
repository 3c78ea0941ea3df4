"""The thread that calls the application's functions for errors and drops.

What happens is noted by whoever sees it, without waiting; this thread adds it up and calls. Drops are read off the counts, so
none is missed and none told twice, however many notes were.
"""

import _thread
import atexit
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from spanwire._telemetry import log

__all__ = [
    "TROUBLES",
    "Subscription",
    "add",
    "are_wanted",
    "check_callable",
    "held_lock",
    "note",
    "notice",
    "read_counts_by",
    "start_new_thread",
    "start_quiet_thread",
]

INTERVAL_SECONDS = 1.0  # between two calls for the same
LOOK_SECONDS = 60.0  # between two looks at the counts while nothing is noted
EXIT_SECONDS = 2.0  # for the last calls
_MOST_NOTES = 256

TROUBLES = frozenset({"certificates", "headers"})  # what is wrong, whatever becomes of requests
_WITHOUT_COUNT = TROUBLES | {"message", "recover"}

# Left out as somebody wished; on the disk, to be sent by the next start.
_NO_LOSSES = frozenset({"stage", "kept"})

Key = tuple[str, str, str]  # signal, destination, reason


class _Note(NamedTuple):
    key: Key
    message: str
    is_error: bool
    time: float


class Subscription:
    """Functions that are called for errors and drops; :func:`spanwire.events.subscribe` makes it."""

    def __init__(
        self,
        on_error: Callable[[Any], object] | None,
        on_drop: Callable[[Any], object] | None,
        error: Callable[..., object],
        drop: Callable[..., object],
    ) -> None:
        self._on_error, self._on_drop, self._error, self._drop = on_error, on_drop, error, drop
        self._has_failed = False
        # What the counts of drops were when the functions were called last.
        self._process = os.getpid()
        dropped = _dropped()
        self._told = {"error": dict(dropped), "drop": dict(dropped)}

    def cancel(self) -> None:
        """Call them no more; a call that is under way goes on. May be repeated."""
        global _subscriptions  # noqa: PLW0603 - replaced whole, so that no reader needs a lock
        _subscriptions = tuple(one for one in _subscriptions if one is not self)
        if _dispatcher is not None and _dispatcher.process == os.getpid():
            _dispatcher.ring()

    def told(self, kind: str, key: Key) -> int:
        """The count when it was told last; only for the thread that calls."""
        if self._process != os.getpid():  # a forked child counts from zero
            self._process, self._told = os.getpid(), {"error": {}, "drop": {}}
        return self._told[kind].get(key, 0)

    def tell(self, kind: str, key: Key, count: int, message: str, at: float) -> None:
        """Call the function for it; likewise."""
        new = count - self.told(kind, key)
        is_told = new == 0 and key in self._told[kind]  # with an earlier one, which was called after this was counted
        self._told[kind][key] = count
        signal, destination, reason = key
        if kind == "error" and self._on_error is not None and not (is_told and reason not in _WITHOUT_COUNT):
            self._call(self._on_error, self._error(destination, signal, reason, new, message, at))
        elif kind == "drop" and self._on_drop is not None and new > 0:
            self._call(self._on_drop, self._drop(destination, signal, reason, new, message, at))

    def _call(self, function: Callable[[Any], object], event: object) -> None:
        try:
            function(event)
        except BaseException as error:  # SystemExit, too, would end a thread that is ours
            if not self._has_failed:
                self._has_failed = True
                log.warn(
                    "events.callback", "%r, called with %r, has raised %r; this is said once", function, event, error
                )


_subscriptions: tuple[Subscription, ...] = ()

# Counts by signal and destination; none before something is loaded that could drop a span.
_read_counts: Callable[[], Mapping[str, Mapping[str, Any]]] = dict


def read_counts_by(read: Callable[[], Mapping[str, Mapping[str, Any]]]) -> None:
    """Read drops off these counts: for each signal a dict of destinations, as ``stats()`` has them."""
    global _read_counts  # noqa: PLW0603 - set once, by the module above
    _read_counts = read


def _original(name: str) -> Any:
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return monkey.get_original("_thread", name)
    return getattr(_thread, name)


def held_lock() -> Any:
    """A lock of the system's that is held: to wait for its release, or for so long."""
    lock = _original("allocate_lock")()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Dispatcher:
    """Of one process."""

    process: int = field(default_factory=os.getpid)
    is_running: bool = False
    is_ending: bool = False
    notes: deque[_Note] = field(default_factory=lambda: deque(maxlen=_MOST_NOTES))
    # Held while there is nothing to do: a bell. The system's, since whoever rings may hold locks of `threading`, or be a
    # signal handler.
    bell: Any = field(default_factory=held_lock)
    done: Any = field(default_factory=held_lock)
    errors: dict[Key, _Note] = field(default_factory=dict)
    messages: dict[Key, str] = field(default_factory=dict)
    called_at: dict[tuple[str, Key], float] = field(default_factory=dict)

    def ring(self) -> None:
        try:
            self.bell.release()
        except RuntimeError:  # it rings already
            return

    def start(self) -> None:
        """Have a thread, if there is none and one can be had: else the next note tries again."""
        if not self.is_running:
            self.is_running = True
            try:
                start_new_thread(self._run)
            except RuntimeError:
                self.is_running = False

    def _run(self) -> None:
        try:
            _suppress()
            self._loop()
        finally:
            self.is_running = False
            self.errors.clear()
        if self.is_ending:
            self.done.release()
        elif _subscriptions:  # one came in between
            self.start()

    def _loop(self) -> None:
        wait = 0.0
        while _subscriptions:
            self.bell.acquire(timeout=wait)
            is_last = self.is_ending
            wait = self._round(0.0 if is_last else INTERVAL_SECONDS)
            if is_last:
                return

    def _round(self, interval: float) -> float:
        """Tell what is due; seconds until there may be more."""
        self._take_notes()
        now, next_at = time.monotonic(), float("inf")

        def is_due(kind: str, key: Key) -> bool:
            nonlocal next_at
            at = self.called_at.get((kind, key), float("-inf")) + interval
            if now < at:
                next_at = min(next_at, at)
                return False
            self.called_at[kind, key] = now
            return True

        dropped = _drops()
        for key in list(self.errors):
            if is_due("error", key):
                last, count = self.errors.pop(key), dropped.get(key, (0, ""))[0]
                for subscription in _subscriptions:
                    subscription.tell("error", key, count, last.message, last.time)
        for key, (count, last_error) in dropped.items():
            if any(count > one.told("drop", key) for one in _subscriptions) and is_due("drop", key):
                for subscription in _subscriptions:
                    subscription.tell("drop", key, count, self.messages.get(key) or last_error, time.time())
        return min(LOOK_SECONDS, max(0.0, next_at - time.monotonic()))

    def _take_notes(self) -> None:
        while self.notes:
            note = self.notes.popleft()
            self.messages[note.key] = note.message
            if note.is_error:
                self.errors[note.key] = note


_dispatcher: _Dispatcher | None = None


def _of_this_process() -> _Dispatcher:
    global _dispatcher  # noqa: PLW0603 - one a process
    if _dispatcher is None or _dispatcher.process != os.getpid():
        _dispatcher = _Dispatcher()
    return _dispatcher


def add(subscription: Subscription) -> None:
    """Call its functions from now on."""
    global _subscriptions  # noqa: PLW0603 - replaced whole
    _subscriptions = (*_subscriptions, subscription)
    notice()


def check_callable(**functions: Any) -> None:
    """Raise the ``TypeError`` of :func:`spanwire.events.subscribe`."""
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(
                f"{name} is called with an event, which {function!r} cannot be: give a function, or leave it out"
            )


def are_wanted() -> bool:
    """Whether anybody wants to be called."""
    return bool(_subscriptions)


def note(destination: str, reason: str, message: str, *, is_error: bool = True, signal: str = "traces") -> None:
    """Something happened: to be called where it is seen, on whatever thread, after it was counted."""
    if _subscriptions:
        key = (signal, destination, reason)
        _of_this_process().notes.append(_Note(key, message, is_error, time.time()))
        notice()


def notice() -> None:
    """Counts may have changed."""
    if _subscriptions:
        dispatcher = _of_this_process()
        dispatcher.ring()
        dispatcher.start()


# What an instruction of the thread itself raises still reaches its handler: faulthandler's, say.
_FAULTS = {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV}


def start_quiet_thread(run: Callable[[], None]) -> None:
    """As :func:`start_new_thread`, with all signals blocked from its first instruction on: they are the application's, which may wait for
    them with ``sigwait``. Not for threads that call functions of the application's, whose child processes would have them blocked as well.

    :raises RuntimeError: if there can be none.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())  # known before anything can raise: a handler may
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _FAULTS)
        start_new_thread(run)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_new_thread(run: Callable[[], None]) -> None:
    """A thread of the system's, also where gevent has put greenlets in its place; without the locks of ``threading``.

    :raises RuntimeError: if there can be none.
    """
    _original("start_new_thread")(run, ())


def _suppress() -> None:
    """What the functions do on this thread is not traced: it would be lost where spans are lost, and tell of that, and so on."""
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

    attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))


def _drops() -> dict[Key, tuple[int, str]]:
    return {
        (signal, destination, reason): (lost, account["last_error"] or "")
        for signal, destinations in _read_counts().items()
        for destination, account in destinations.items()
        for reason, lost in account["dropped"].items()
        if reason not in _NO_LOSSES
    }


def _dropped() -> dict[Key, int]:
    return {key: count for key, (count, _) in _drops().items()}


def _finish() -> None:
    """At exit: what is due is told, within a time."""
    if _subscriptions:
        dispatcher = _of_this_process()
        dispatcher.is_ending = True
        notice()
        if dispatcher.is_running:
            dispatcher.done.acquire(timeout=EXIT_SECONDS)


atexit.register(_finish)
