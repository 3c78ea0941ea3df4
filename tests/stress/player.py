"""A process that does everything at once: threads make spans and flush, providers come and go, it forks, and so do its children.

``python -m tests.stress.player SEED SECONDS``, started by tests/stress/__main__.py. Each process writes its books, with the
spans that it has made for each destination (``made``), and ends with status 0; what went wrong is in ``failures``.
"""

import faulthandler
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor

from spanwire import stats
from spanwire.exporter.http import Compression, OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from tests.integration.processes.prelude import make, write_books

SINK = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
DEAD = "http://127.0.0.1:9/v1/traces"
SECONDS_OF_A_CHILD = 60
DEEPEST = 2  # children of children


class Slot:
    """A provider and where its spans go to."""

    def __init__(self, rng: random.Random) -> None:
        self.destinations: list[str] = []
        self.provider = TracerProvider(shutdown_on_exit=False)
        # The SDK's, which once shut down ignores spans uncounted: it is used until the end.
        self.is_simple = rng.random() < 0.05
        if self.is_simple:
            self._add(SimpleSpanProcessor(OTLPSpanExporter(endpoint=SINK, timeout=0.3)), SINK)
        else:
            self._add(self._batch(rng, SINK), SINK)
        for _ in range(rng.choice([0, 0, 0, 0, 1, 2])):  # two share an account
            self._add(self._batch(rng, DEAD, timeout=0.3), DEAD)
        self.tracer = self.provider.get_tracer("stress")

    def _add(self, processor: SpanProcessor, destination: str) -> None:
        self.provider.add_span_processor(processor)
        self.destinations.append(destination)

    def flush(self) -> bool:
        """Whether all was sent. What is for nobody waits for better times, so nobody waits for it long."""
        return self.provider.force_flush(500 if DEAD in self.destinations else 30_000)

    @staticmethod
    def _batch(rng: random.Random, endpoint: str, timeout: float = 10) -> BatchSpanProcessor:
        queue = rng.choice([None, None, 1, 7, 64, 512, 5_000])
        batch = None if queue is None else rng.randint(1, queue)
        compression = rng.choice([Compression.NoCompression, Compression.NoCompression, Compression.Gzip])
        return BatchSpanProcessor(
            OTLPSpanExporter(endpoint=endpoint, timeout=timeout, compression=compression),
            max_queue_size=queue,
            max_export_batch_size=batch,
            schedule_delay_millis=rng.choice([1, 20, 200, 5_000]),
        )


class Player:
    """One process of the play."""

    def __init__(self, seed: str, seconds: float, depth: int, slots: list[Slot]) -> None:
        self._seed = seed
        self._rng = random.Random(seed)
        self._until = time.monotonic() + seconds
        self._depth = depth
        self._slots = slots or [Slot(self._rng) for _ in range(self._rng.randint(1, 3))]
        self._made: list[Counter[str]] = []
        self._failures: list[str] = []
        self._retired: list[Slot] = []

    def play(self) -> None:
        """Until the time is over; then send everything and write the books."""
        threads = [
            threading.Thread(target=self._make_spans, args=(number,), name=f"maker {number}")
            for number in range(self._rng.randint(1, 6 if self._depth == 0 else 2))
        ]
        flushing = threading.Thread(target=self._flush_at_random, name="flusher")
        for thread in (*threads, flushing):
            thread.start()
        actions: list[Callable[[], None]] = [self._recreate, self._retire, self._pause, self._pause]
        if self._depth < DEEPEST:
            actions += [*[self._fork] * 5, self._start_process]
        while time.monotonic() < self._until:
            self._rng.choice(actions)()
        for thread in (*threads, flushing):
            thread.join()
        self._end()

    def _make_spans(self, number: int) -> None:
        rng, made = random.Random(f"{self._seed} {number}"), Counter[str]()
        self._made.append(made)
        while time.monotonic() < self._until:
            slot, count = rng.choice(self._slots), rng.choice([1, 5, 40])
            make(slot.tracer, count, "span", text="x" * rng.choice([0, 10, 2_000]))
            for destination in slot.destinations:
                made[destination] += count
            time.sleep(rng.choice([0, 0.001, 0.01]))

    def _flush_at_random(self) -> None:
        rng = random.Random(f"{self._seed} flush")
        while time.monotonic() < self._until:
            rng.choice(self._slots).provider.force_flush(rng.choice([0, 1, 50, 1_000]))
            time.sleep(rng.choice([0, 0.01, 0.1]))

    def _recreate(self) -> None:
        """Shut one down while threads still use it, or merely replace it."""
        index = self._rng.randrange(len(self._slots))
        before, self._slots[index] = self._slots[index], Slot(self._rng)
        if before.is_simple or self._rng.random() < 0.3:
            self._retired.append(before)
        else:
            before.provider.shutdown()

    def _retire(self) -> None:
        """Shut down what was replaced a while ago, or merely drop it once it is flushed.

        What cannot be flushed waits as long as somebody has its provider: in a forked child the frames of its parent do.
        """
        if self._retired and not self._retired[-1].is_simple:
            slot = self._retired.pop()
            if self._rng.random() < 0.5 or not slot.flush():
                slot.provider.shutdown()

    def _pause(self) -> None:
        time.sleep(self._rng.random() * 0.1)

    def _fork(self) -> None:
        seed, seconds = f"{self._seed} {self._rng.random()}", self._rng.random() * 0.5
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                play_as_child(seed, seconds, self._depth + 1, self._slots)
                status = 0
            finally:
                os._exit(status)
        self._expect(os.waitpid(pid, 0)[1], "a fork's child")

    def _start_process(self) -> None:
        """By multiprocessing: by fork with what is here, by spawn seldom, for it takes long."""
        method = self._rng.choice(["fork", "fork", "fork", "spawn"])
        context: Any = multiprocessing.get_context(method)
        arguments = (f"{self._seed} {self._rng.random()}", 0.2, self._depth + 1)
        process = context.Process(
            target=play_as_child, args=(*arguments, self._slots) if method == "fork" else (*arguments, [])
        )
        process.start()
        process.join(SECONDS_OF_A_CHILD)
        self._expect(process.exitcode, f"multiprocessing's child by {method}")
        process.close()

    def _expect(self, status: int | None, what: str) -> None:
        if status != 0:
            self._failures.append(f"{what} ended with {status}")

    def _end(self) -> None:
        for slot in (*self._slots, *self._retired):
            flush_first = self._rng.random() < 0.5
            if flush_first and not slot.flush() and DEAD not in slot.destinations:
                self._failures.append("a flush did not end within 30 seconds")
            slot.provider.shutdown()
        made: Counter[str] = sum(self._made, Counter())
        # What a thread has still made by a provider that was dropped is sent too; between that and its end it is in no account.
        until = time.monotonic() + 30
        while time.monotonic() < until and not _has_all(made):
            time.sleep(0.01)
        write_books(made=made, failures=self._failures)


def _has_all(made: Counter[str]) -> bool:
    accounts = stats()["traces"]
    accepted = Counter({destination: account["accepted"] for destination, account in accounts.items()})
    return accepted == made and not any(account["queued"] for account in accounts.values())


def play_as_child(seed: str, seconds: float, depth: int, slots: list[Slot]) -> None:
    """In a process of its own, which is killed if it hangs."""
    faulthandler.enable()
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(SECONDS_OF_A_CHILD)
    Player(seed, seconds, depth, list(slots)).play()


if __name__ == "__main__":
    Player(sys.argv[1], float(sys.argv[2]), 0, []).play()
