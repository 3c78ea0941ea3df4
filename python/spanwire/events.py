"""What becomes of telemetry, told to functions of the application's: errors of exports, and drops.

They are called on a thread of spanwire's own, never on one of the application's and never by the thread that sends, so
a slow one holds up only the next call.
"""

from collections.abc import Callable
from dataclasses import dataclass

from spanwire._telemetry import hooks, worker_events
from spanwire._telemetry.hooks import Subscription

__all__ = ["DropEvent", "ErrorEvent", "Subscription", "subscribe"]


@dataclass(frozen=True, slots=True)
class _Event:
    destination: str
    """As in ``spanwire.stats()``: the endpoint without user, password and query; an exporter in Python by its class. Of an error
    ``recover`` the folder."""
    signal: str
    """``traces``."""
    reason: str
    """One of those for drops in ``spanwire.stats()``; of an error also ``message``: all was taken, and something said; and
    ``certificates`` or ``headers``: a renewed file cannot be used, or ``headers_provider`` does not return; and ``recover``: what ended
    processes have left on the disk is not sent, or not all of it."""
    count: int
    """How many items of the signal (of ``traces``: spans), since the last call for this destination and reason."""
    message: str
    """In words: what the log says."""
    time: float
    """When it was noticed, in seconds since 1970."""

    @property
    def spans(self) -> int:
        """The former name of ``count``."""
        return self.count


@dataclass(frozen=True)
class ErrorEvent(_Event):
    """An export failed, or the receiver had something to say, or what was left on the disk is not sent; the last of those since the last
    call.
    """

    __slots__ = ()


@dataclass(frozen=True)
class DropEvent(_Event):
    """Spans are lost. The sum over all calls is what ``spanwire.stats()`` counts as dropped since :func:`subscribe`."""

    __slots__ = ()


def subscribe(
    *, on_error: Callable[[ErrorEvent], object] | None = None, on_drop: Callable[[DropEvent], object] | None = None
) -> Subscription:
    """Call these functions from now on, also in processes that are forked from this one.

    Each is called at most once a second for a destination and reason, what comes in between is added up. Drops that come
    without an error (after a shutdown, say) are told within a minute, or at exit. There, calls that are due have two seconds.
    What a function raises is caught, and logged the first time.

    :param on_error: when an export fails, a receiver complains, or what ended processes have left is not sent.
    :param on_drop: when spans are lost, for whatever reason.
    :returns: what ends it, by ``cancel()``.
    :raises TypeError: if one is not callable.
    """
    hooks.check_callable(on_error=on_error, on_drop=on_drop)
    subscription = Subscription(on_error, on_drop, ErrorEvent, DropEvent)
    hooks.add(subscription)
    worker_events.listen()
    return subscription
