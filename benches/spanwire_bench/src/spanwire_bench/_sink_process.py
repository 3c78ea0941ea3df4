"""A sink in a process of its own, so that receiving is not counted as sending.

Run as ``python -m spanwire_bench._sink_process [MIRROR]`` it is that process: it prints its endpoint, then answers one line
on stdin with one on stdout: ``count`` and ``requests`` with the numbers of spans and requests received, ``shapes`` with what
is kept of the spans (``bench._shapes``), ``wire`` with the bytes a span on the wire of the requests that are kept, ``cpu`` with the seconds of CPU that it used, ``clear`` by forgetting all that, ``pin N`` by moving to core N. It ends with
stdin. The number of spans also stands in the file MIRROR (``_mirror``).
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from spanwire.cli.toolkit import module_command

if TYPE_CHECKING:
    from typing_extensions import Self

    from spanwire.sink import ReceivedRequest
    from spanwire_bench._shapes import Shape

__all__ = ["SinkProcess", "answer"]

_KEPT_BYTES = 1 << 20  # only counts matter here, and a sample


class SinkProcess:
    """The parent's end; a context manager. ``endpoint`` takes traces.

    :param core: the core to run on; None leaves it to the system.
    :param mirror: a file in which it keeps the number of spans.
    :param module: the receiver, if it is not the sink.
    :param python: the interpreter that runs it, if it is not this one.
    :raises RuntimeError: from any method if the process has ended.
    """

    def __init__(
        self,
        core: int | None = None,
        *,
        mirror: pathlib.Path | None = None,
        module: str = __name__,
        python: str = sys.executable,
    ) -> None:
        self._core = core
        self._command = module_command(module, *([] if mirror is None else [mirror]), python=python)
        self._process: subprocess.Popen[str] | None = None
        self.endpoint = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
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

    def requests(self) -> int:
        """Requests received and acknowledged so far."""
        return int(self._ask("requests"))

    def shapes(self) -> list[Shape]:
        """What it still has of the spans that it received."""
        shapes: list[Shape] = json.loads(self._ask("shapes"))
        return shapes

    def bytes_a_span(self) -> float:
        """Of the bodies on the wire, compressed if they were, of the newest requests since the last :meth:`clear`."""
        return float(self._ask("wire"))

    def clear(self) -> None:
        """Begin again at no span."""
        self._ask("clear")

    def cpu_seconds(self) -> float:
        """CPU that it used so far."""
        return float(self._ask("cpu"))

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
            raise RuntimeError(f"the receiver's process ended with status {self._process.wait()}")
        return line.strip()


def answer(endpoint: str, questions: Mapping[str, Callable[[], object]]) -> None:
    """The process's end: say the endpoint, then answer each line of stdin by ``questions`` until there is none left."""
    print(endpoint, flush=True)
    for line in sys.stdin:
        match line.split():
            case ["pin", core]:
                for thread in pathlib.Path("/proc/self/task").iterdir():
                    os.sched_setaffinity(int(thread.name), {int(core)})
                print("pinned", flush=True)
            case [question]:
                print(questions[question](), flush=True)


def _bytes_a_span(requests: Sequence[ReceivedRequest]) -> float:
    return sum(one.wire_size for one in requests) / max(sum(one.span_count for one in requests), 1)


def _serve() -> None:
    from spanwire.sink import Sink
    from spanwire_bench import _shapes
    from spanwire_bench._mirror import Writer

    with (
        Sink(max_bytes=_KEPT_BYTES) as sink,
        Writer(sys.argv[1] if len(sys.argv) > 1 else None, lambda: sink.span_count) as mirror,
    ):
        answer(
            sink.traces_endpoint,
            {
                "count": lambda: sink.span_count,
                "requests": lambda: sink.request_count,
                "shapes": lambda: json.dumps([_shapes.of_otlp(span) for span in sink.spans()]),
                "wire": lambda: _bytes_a_span(sink.requests()),
                "cpu": time.process_time,
                "clear": lambda: mirror.clearing(sink.clear),
            },
        )


if __name__ == "__main__":
    _serve()
