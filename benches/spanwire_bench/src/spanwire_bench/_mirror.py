"""A number that one process keeps and another reads at the cost of reading memory: how many spans a receiver has.

Whoever makes spans paces itself by it, and asking over a pipe would be counted as its work.
"""

from __future__ import annotations

import mmap
import pathlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Writer", "file", "reader"]

_BYTES = 8
_EVERY_SECONDS = 0.001


@contextmanager
def file() -> Iterator[pathlib.Path]:
    """A file for the number, which begins at 0."""
    with tempfile.NamedTemporaryFile(prefix="spanwire-bench-") as made:
        made.write(bytes(_BYTES))
        made.flush()
        yield pathlib.Path(made.name)


def reader(path: str) -> Callable[[], int]:
    """What reads the number."""
    numbers = _map(path)
    return lambda: numbers[0]


class Writer:
    """Copies ``count()`` to the file every millisecond, from a thread; a context manager. Without a file it does nothing."""

    def __init__(self, path: str | None, count: Callable[[], int]) -> None:
        self._count = count
        self._numbers = None if path is None else _map(path)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._copy, name="spanwire-mirror", daemon=True)

    def __enter__(self) -> Self:
        if self._numbers is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()

    def clearing(self, clear: Callable[[], object]) -> str:
        """Call ``clear``, after which the count is 0, and have it in the file when this returns."""
        with self._lock:
            clear()
            if self._numbers is not None:
                self._numbers[0] = self._count()
        return "cleared"

    def _copy(self) -> None:
        assert self._numbers is not None
        while not self._stop.wait(_EVERY_SECONDS):
            with self._lock:
                self._numbers[0] = self._count()


def _map(path: str) -> memoryview:
    with pathlib.Path(path).open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), _BYTES)).cast("Q")
