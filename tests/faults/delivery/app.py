"""A traced service: makes spans at a steady rate while its backend has trouble, then ends as services do, and leaves its books.

``python -m tests.faults.delivery.app JSON``, the JSON being a :class:`Plan`. Each span's content follows from the seed and its number, so
whoever has the seed knows what must arrive. Each process leaves in its books how many it has made, how long flush and shutdown took, and
what became of them.
"""

import importlib
import json
import os
import random
import resource
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.integration.processes.prelude import write_books

__all__ = ["MODULES", "Plan", "content"]

MODULES = {
    "grpc": "spanwire.exporter.grpc",
    "http/protobuf": "spanwire.exporter.http",
    "http/json": "spanwire.exporter.json",
}
BURSTS = 50  # a second
LARGE = 20_000


@dataclass(frozen=True)
class Plan:
    """What the service does; times in seconds."""

    endpoint: str
    seed: int
    protocol: str = "http/protobuf"
    seconds: float = 2.0
    """How long it makes spans."""
    rate: int = 500
    """Spans a second."""
    exporter: dict[str, Any] = field(default_factory=dict)
    """Keywords."""
    processor: dict[str, Any] = field(default_factory=dict)
    """Keywords."""
    flush: float = 30.0
    """What the flush at the end may take; 0: none."""
    shut_down_after: float | None = None
    """When another thread shuts the provider down, while this one goes on."""
    forks: tuple[float, ...] = ()
    """When it forks; each child makes spans of its own and ends."""
    text: int = 40
    """Characters of a span's text at most."""
    large: tuple[int, ...] = ()
    """Numbers of spans with a text of 20,000 characters."""
    planted: str = ""
    """A defect that the harness must find: "uncounted" or "altered"."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def content(seed: int, pid_of_maker: int, number: int, most: int) -> tuple[str, str]:
    """Name and text of a span."""
    rng = random.Random(f"{seed} {number}")
    return f"GET /{number % 11}", f"{pid_of_maker} " + "x" * rng.randint(0, most)


class Service:
    """One process."""

    def __init__(self, plan: Plan, provider: TracerProvider) -> None:
        self._plan = plan
        self._provider = provider
        self._tracer = provider.get_tracer("tests.faults.delivery")
        self._made = 0

    def make(self, count: int) -> None:
        pid = os.getpid()
        for number in range(self._made, self._made + count):
            name, text = content(self._plan.seed, pid, number, self._plan.text)
            if number in self._plan.large:
                text = "x" * LARGE
            if self._plan.planted == "altered" and number == 7:
                text += "!"
            attributes: dict[str, str | int] = {"process.pid": pid, "number": number, "text": text}
            self._tracer.start_span(name, attributes=attributes).end()
        self._made += count

    def run(self) -> None:
        """Spans at the rate, by the clock that nobody sets; what is late is made up for."""
        plan, forks, children = self._plan, sorted(self._plan.forks), []
        if plan.shut_down_after is not None:
            threading.Timer(plan.shut_down_after, self._provider.shutdown).start()
        began = time.monotonic()
        while (passed := time.monotonic() - began) < plan.seconds:
            self.make(int(passed * plan.rate) - self._made)
            if forks and passed >= forks[0]:
                forks.pop(0)
                children.append(self._fork())
            time.sleep(1 / BURSTS)
        for child in children:
            os.waitpid(child, 0)

    def _fork(self) -> int:
        child = os.fork()
        if child == 0:
            self._made = 0
            for _ in range(10):
                self.make(self._plan.rate // 20)
                time.sleep(0.01)
            self.end()
            os._exit(0)
        return child

    def end(self) -> None:
        plan = self._plan
        began = time.monotonic()
        flushed = self._provider.force_flush(int(plan.flush * 1000)) if plan.flush else None
        between = time.monotonic()
        self._provider.shutdown()
        write_books(
            made=self._made + (plan.planted == "uncounted"),
            flushed=flushed,
            flush_seconds=between - began,
            shutdown_seconds=time.monotonic() - between,
            cpu_seconds=time.process_time(),
            most_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )


def main() -> None:
    given = json.loads(sys.argv[1])
    plan = Plan(**{**given, "forks": tuple(given["forks"]), "large": tuple(given["large"])})
    exporter = importlib.import_module(MODULES[plan.protocol]).OTLPSpanExporter(endpoint=plan.endpoint, **plan.exporter)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, **plan.processor))
    service = Service(plan, provider)
    service.run()
    service.end()


if __name__ == "__main__":
    main()
