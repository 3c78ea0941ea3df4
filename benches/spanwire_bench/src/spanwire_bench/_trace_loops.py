"""The loops that ``spanwire bench trace`` times. They are what a user writes: constants in place, no helper in between.
The loop itself makes no object.

A *run* does about as many operations as it is told to, and gives the ns that one of them took. Clocks: CPU of the thread
where the whole loop is timed; where only a part of it is (calls on spans that are made and ended outside of what is
timed, 100 calls a span), the monotonic clock, which costs less to read, and the median of the spans, which leaves out those
during which something else had the core; CPU of all threads where there are several.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

__all__ = ["CALLS", "KEYS", "Run", "by_process", "by_thread", "on_spans", "on_threads", "w5", "w10"]

Run = Callable[[int], float]
Loop = Callable[[int], object]

CALLS = 100  # on each span, where calls on spans are measured: fewer than any limit
KEYS = [f"http.request.method{n}" for n in range(CALLS)]


def w5(tracer: Tracer, count: int) -> None:
    """Workload W5, whole."""
    for _ in repeat(None, count):
        with tracer.start_as_current_span("GET /users/{id}", kind=SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute("url.path", "/users/42")
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("server.load", 0.42)
            span.set_attribute("cache.hit", True)


def w10(tracer: Tracer, count: int) -> None:
    """Workload W10, whole."""
    for _ in repeat(None, count):
        with tracer.start_as_current_span("benchmark.span.name") as span:
            span.set_attribute("benchmark.attr.key.0", "benchmark.value.00.0")
            span.set_attribute("benchmark.attr.key.1", "benchmark.value.00.1")
            span.set_attribute("benchmark.attr.key.2", "benchmark.value.00.2")
            span.set_attribute("benchmark.attr.key.3", "benchmark.value.00.3")
            span.set_attribute("benchmark.attr.key.4", "benchmark.value.00.4")
            span.set_attribute("benchmark.attr.key.5", "benchmark.value.00.5")
            span.set_attribute("benchmark.attr.key.6", "benchmark.value.00.6")
            span.set_attribute("benchmark.attr.key.7", "benchmark.value.00.7")
            span.set_attribute("benchmark.attr.key.8", "benchmark.value.00.8")
            span.set_attribute("benchmark.attr.key.9", "benchmark.value.00.9")


def by_thread(loop: Loop) -> Run:
    """CPU time of the calling thread."""

    def run(count: int) -> float:
        begin = time.thread_time_ns()
        loop(count)
        return (time.thread_time_ns() - begin) / count

    return run


def by_process(loop: Loop) -> Run:
    """CPU time of all threads: for what works on in another one."""

    def run(count: int) -> float:
        begin = time.process_time_ns()
        loop(count)
        return (time.process_time_ns() - begin) / count

    return run


def on_spans(
    start: Callable[[], Span],
    body: Callable[[Any], object],
    *,
    calls: int = CALLS,
    spans: int = 1,
    prepare: Callable[[Span], object] | None = None,
) -> Run:
    """``body`` makes ``calls`` calls on a fresh span, or a list of ``spans`` fresh ones; only they are timed."""

    def run(count: int) -> float:
        taken: list[int] = []
        while len(taken) * calls < count:
            fresh = [start() for _ in range(spans)]
            if prepare is not None:
                prepare(fresh[0])
            subject: Any = fresh if spans > 1 else fresh[0]
            begin = time.perf_counter_ns()
            body(subject)
            taken.append(time.perf_counter_ns() - begin)
            for span in fresh:
                span.end()
        return statistics.median(taken) / calls

    return run


def on_threads(loop: Loop, threads: int) -> Run:
    """The loop on several threads at once; CPU time of them all, for an operation of one of them."""

    def run(count: int) -> float:
        each = max(1, count // threads)
        gate = threading.Barrier(threads + 1)

        def work() -> None:
            gate.wait()
            loop(each)

        started: Sequence[threading.Thread] = [threading.Thread(target=work) for _ in range(threads)]
        for thread in started:
            thread.start()
        begin = time.process_time_ns()
        gate.wait()
        for thread in started:
            thread.join()
        return (time.process_time_ns() - begin) / (each * threads)

    return run
