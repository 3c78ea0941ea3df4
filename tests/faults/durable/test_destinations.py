"""What a killed process left goes to each destination at its own pace: one that is away keeps nothing back from the others."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.left_behind import leave

pytestmark = pytest.mark.timeout(400)

SPANS = 100_000
BYTES = 500  # of a span, at least
BLOCK_SPANS = (1 << 20) // BYTES  # of a block, at most
PATIENCE = 110.0  # a hang guard: each block is synced, which a busy disk delays by a second

PROGRAM = """
import json, sys
import spanwire
from spanwire.durable import _queue
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace.export import BatchSpanProcessor
_queue._RECOVER_AFTER, _queue._LOOK_AGAIN = 0.5, 0.2
folder, *endpoints = sys.argv[1:]
queue = DurableQueue(folder, service="tests", recover_per_second=0)
made = [BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, durable=queue, timeout=20)) for endpoint in endpoints]
print(flush=True)
for _ in sys.stdin:
    print(json.dumps(spanwire.stats()), flush=True)
"""


class Service:
    """A process with a batch processor for each endpoint, which recovers what others left."""

    def __init__(self, folder: Path, *endpoints: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), *endpoints],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self.memory = self.rss()

    def rss(self) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def stats(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())  # type: ignore[no-any-return]

    def shares(self) -> dict[str, dict[str, int]]:
        return self.stats()["durable"][0]["recovered"]["destinations"]  # type: ignore[no-any-return]

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@contextmanager
def service(folder: Path, *endpoints: str) -> Iterator[Service]:
    made = Service(folder, *endpoints)
    try:
        yield made
    finally:
        made.kill()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def numbers(sink: Sink) -> list[int]:
    return [int(span.name) for span in sink.spans()]


def test_one_that_is_away_keeps_nothing_back_from_another_and_gets_all_later(tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    leave(queue, "tests", SPANS, text=BYTES)
    (left,) = queue.iterdir()
    with Sink() as quick, Sink() as away:
        away.inject(status=503, times=None)
        with service(queue, quick.traces_endpoint, away.traces_endpoint) as first:
            quick.wait_for(SPANS, timeout=PATIENCE)
            assert numbers(quick) == list(range(SPANS))
            assert away.span_count == 0
            wait_until(lambda: first.shares()[quick.traces_endpoint] == {"spans": SPANS, "left": 0})
            assert first.shares()[away.traces_endpoint] == {"spans": 0, "left": SPANS}
            accounts = first.stats()["traces"]
            assert accounts[quick.traces_endpoint]["exported"] == SPANS
            # One block is in memory, and none of it is dropped.
            one = accounts[away.traces_endpoint]
            assert one["dropped"] == {}
            assert one["exported"] == 0
            assert one["queued"] <= BLOCK_SPANS
            assert first.rss() - first.memory < SPANS * BYTES // 2
        # Killed in the middle: the one that has everything is sent nothing again.
        with service(queue, quick.traces_endpoint, away.traces_endpoint) as second:
            wait_until(lambda: second.shares()[away.traces_endpoint]["left"] == SPANS)
            away.clear_faults()
            away.wait_for(SPANS, timeout=PATIENCE)
            wait_until(lambda: not left.exists())
            assert numbers(away) == list(range(SPANS))
            assert second.shares()[quick.traces_endpoint] == {"spans": 0, "left": 0}
            assert quick.span_count == SPANS
            assert second.rss() - second.memory < SPANS * BYTES // 2


def test_killed_while_both_are_at_different_blocks_each_gets_all_and_no_more_than_a_block_twice(tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    leave(queue, "tests", SPANS, text=BYTES)
    (left,) = queue.iterdir()
    with Sink() as quick, Sink() as slow:
        slow.inject(delay=0.05, times=None)
        for wanted in (10_000, 30_000):
            with service(queue, quick.traces_endpoint, slow.traces_endpoint):
                slow.wait_for(wanted, timeout=PATIENCE)
        slow.clear_faults()
        with service(queue, quick.traces_endpoint, slow.traces_endpoint) as last:
            wait_until(lambda: all(share["left"] == 0 for share in last.shares().values()))
            wait_until(lambda: not left.exists())
        for sink in (quick, slow):
            assert sorted(set(numbers(sink))) == list(range(SPANS))
            assert sink.span_count <= SPANS + 2 * BLOCK_SPANS
