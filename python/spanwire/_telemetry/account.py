"""Counts of spans that exporters written in Python are given; those of ours are counted natively."""

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spanwire._telemetry import hooks

if TYPE_CHECKING:
    from spanwire._native import FrameQueue

__all__ = ["Account", "account", "accounts", "empty"]


@dataclass(slots=True)
class _Counts:
    """Of one process. ``accepted`` is the sum of the others, by construction."""

    destination: str
    pid: int = field(default_factory=os.getpid)
    # Re-entrant: a signal handler may flush or ask for statistics while this thread counts.
    lock: Any = field(default_factory=threading.RLock)
    exported: int = 0
    under_way: int = 0
    requests: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    last_error: str | None = None

    def drop(self, spans: int, reason: str, error: str) -> None:
        with self.lock:
            self.dropped[reason] = self.dropped.get(reason, 0) + spans
            self.last_error = error

    def end(self, spans: int, reason: str | None, error: str) -> None:
        """A batch was answered: dropped for ``reason``, or exported."""
        if self.pid != os.getpid():  # forked meanwhile: it is the parent's, and its lock may never be free
            return
        with self.lock:
            self.under_way -= spans
            if reason is None:
                self.exported += spans
            else:
                self.drop(spans, reason, error)
        if reason is not None:
            hooks.note(self.destination, reason, error)


class Account:
    """The counts of one destination, which a forked child begins anew."""

    def __init__(self, destination: str) -> None:
        self.destination = destination
        self._counts = _Counts(self.destination)

    def counts(self) -> _Counts:
        """Those of this process."""
        if self._counts.pid != os.getpid():
            self._counts = _Counts(self.destination)
        return self._counts

    def begin(self, spans: int) -> _Counts:
        """A batch is under way; what is answered wants to be told when it ends."""
        counts = self.counts()
        with counts.lock:
            counts.under_way += spans
            counts.requests += 1
        return counts

    def lose_dropped(self, queue: "FrameQueue") -> tuple[int, int, int, int, int]:
        """As ``HttpClient.lose_dropped``."""
        counts = self.counts()
        full, closed = queue.take_dropped()
        if full:
            counts.drop(full, "queue_full", f"the queue was full and {full} went")
        if closed:
            counts.drop(closed, "shutdown", "the processor was shut down")
        return full, closed, 0, 0, 0  # its queue is in memory

    def snapshot(self) -> dict[str, Any]:
        """As one of ``stats()["traces"]``."""
        counts = self.counts()
        with counts.lock:
            return empty() | {
                "accepted": counts.exported + counts.under_way + sum(counts.dropped.values()),
                "exported": counts.exported,
                "queued": counts.under_way,
                "requests": counts.requests,
                "dropped": dict(counts.dropped),
                "last_error": counts.last_error,
            }


_accounts: dict[str, Account] = {}


def account(destination: str) -> Account:
    """The account of all exporters of that name."""
    return _accounts.setdefault(destination, Account(destination))


def accounts() -> dict[str, dict[str, Any]]:
    """What all of them say."""
    return {destination: one.snapshot() for destination, one in list(_accounts.items())}


def empty() -> dict[str, Any]:
    """An account of nothing."""
    zeros = dict.fromkeys(("accepted", "exported", "queued", "requests", "retries", "bytes", "connections"), 0)
    return zeros | {"dropped": {}, "breaker": "closed", "breakers": {}, "last_error": None}
