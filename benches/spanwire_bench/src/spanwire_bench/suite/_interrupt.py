"""Ending a run early: what is finished stays, and no process that was started for it is left."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Interruption", "children", "end_children"]

_SAME_SECONDS = 1.0
_PATIENCE_SECONDS = 2.0
_PR_SET_CHILD_SUBREAPER = 36


class Interruption:
    """SIGINT, SIGTERM and SIGHUP (unless that is ignored: nohup) raise KeyboardInterrupt, but only where that was allowed; elsewhere they are kept in mind.

    Some who end processes send the signal twice (to the process and to its group): within a second that is one. A later one, when
    somebody has had enough of waiting, does what it did before this was here.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        """The one that came."""
        self._at = 0.0
        self._armed = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._ask)
        return self

    @property
    def asked(self) -> bool:
        """Whether the run is to end."""
        return self.signal is not None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Within, a signal raises KeyboardInterrupt."""
        self._armed = True
        try:
            yield
        finally:
            self._armed = False

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked and time.monotonic() - self._at > _SAME_SECONDS:
            self._restore()
            os.kill(os.getpid(), number)
        if self.asked:
            return
        self.signal, self._at = number, time.monotonic()
        if self._armed:
            raise KeyboardInterrupt

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave


@contextmanager
def end_children() -> Iterator[None]:
    """Afterwards none of the processes that were started within is left, nor of those that they started (on Linux)."""
    before = set(children())
    _adopt_orphans(True)
    try:
        yield
    finally:
        end = time.monotonic() + _PATIENCE_SECONDS
        # Again and again: whose parent is gone becomes our child.
        while (left := set(children()) - before) and time.monotonic() < end:
            for child in left:
                with contextlib.suppress(OSError):
                    os.kill(child, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    os.waitpid(child, 0)
        _adopt_orphans(False)


def children() -> list[int]:
    """Of this process, all threads; empty where the system cannot say."""
    found = []
    with contextlib.suppress(OSError):
        for thread in pathlib.Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
    return found


def _adopt_orphans(wanted: bool) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)
