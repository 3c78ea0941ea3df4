"""What the examples' tests share: the environment that `make test-examples` makes, and programs in it."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.conftest import ROOT

PYTHON = ROOT / "build" / "examples-venv" / "bin" / "python"
SECONDS = 240.0


class Example:
    """An example that runs, as a user starts it; its output is read meanwhile."""

    def __init__(self, arguments: Sequence[str], variables: dict[str, str]) -> None:
        self._lines: list[str] = []
        self._process = subprocess.Popen(
            [PYTHON, *arguments],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(self._process.stdout)

    @property
    def output(self) -> str:
        return "".join(list(self._lines))

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until it has printed this so often."""
        until = time.monotonic() + SECONDS
        while self.output.count(text) < times:
            assert self._process.poll() is None and time.monotonic() < until, self.output
            time.sleep(0.05)

    def finish(self) -> str:
        """All that it has printed, once it has ended well."""
        assert self._process.wait(SECONDS) == 0, self.output
        self._reader.join(10)
        return self.output

    def end(self) -> None:
        """Asked first: it ends what it has started."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(10)
        if not self._reader.is_alive():  # else somebody that it has left behind still has the pipe
            assert self._process.stdout is not None
            self._process.stdout.close()


Start = Callable[..., Example]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts ``python ARGUMENT…`` in the examples' environment, with these variables."""
    started: list[Example] = []

    def start_one(*arguments: str, **variables: str) -> Example:
        started.append(Example(arguments, variables))
        return started[-1]

    yield start_one
    for one in started:
        one.end()


def books(output: str) -> dict[str, dict[str, int]]:
    """The table that an example prints last, by service."""
    rows = [line.split() for line in output.splitlines()]
    (header,) = (number for number, row in enumerate(rows) if row[:1] == ["service"])
    names = rows[header][1:]
    table = {}
    for row in rows[header + 1 :]:
        if len(row) != len(names) + 1 or not all(cell.isdigit() for cell in row[1:]):
            break
        table[row[0]] = dict(zip(names, map(int, row[1:]), strict=True))
    return table
