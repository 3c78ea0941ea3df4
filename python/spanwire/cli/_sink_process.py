"""A sink in a process of its own, so that receiving is not counted as sending.

Run as ``python -m spanwire.cli._sink_process`` it is that process: it prints its endpoint, then answers one line on
stdin with one on stdout: ``count`` with the number of spans received, ``pin N`` by moving to core N. It ends with stdin.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SinkProcess"]

_KEPT_BYTES = 1 << 20  # only counts matter here


class SinkProcess:
    """The parent's end; a context manager. ``endpoint`` takes traces.

    :param core: the core to run on; None leaves it to the system.
    :raises RuntimeError: from any method if the process has ended.
    """

    def __init__(self, core: int | None = None) -> None:
        self._core = core
        self._process: subprocess.Popen[str] | None = None
        self.endpoint = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,  # a terminal's Ctrl-C is for us alone; it ends with its stdin
        )
        self.endpoint = self._answer()
        self.pin(self._core)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is not None:
            process.communicate(timeout=10)  # closes its stdin, which ends it
            self._process = None

    def count(self) -> int:
        """Spans received and acknowledged so far."""
        return int(self._ask("count"))

    def pin(self, core: int | None) -> None:
        """Move it to ``core``; None does nothing."""
        if core is not None:
            self._ask(f"pin {core}")

    def _ask(self, question: str) -> str:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        return self._answer()

    def _answer(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sink's process ended with status {self._process.wait()}")
        return line.strip()


def _serve() -> None:
    from spanwire.sink import Sink

    with Sink(max_bytes=_KEPT_BYTES) as sink:
        print(sink.traces_endpoint, flush=True)
        for line in sys.stdin:
            match line.split():
                case ["count"]:
                    print(sink.span_count, flush=True)
                case ["pin", core]:
                    for thread in pathlib.Path("/proc/self/task").iterdir():
                        os.sched_setaffinity(int(thread.name), {int(core)})
                    print("pinned", flush=True)


if __name__ == "__main__":
    _serve()
