"""An application that forks while its exporter has a request in flight; run by test_fork.py in a process of its own.

``forking_app.py ENDPOINT WAY FORKS`` prints, as JSON, what the parent counted. Each child traces ``SPANS_OF_A_CHILD`` spans of
its own, delivers them and ends; the parent traces all the time from a second thread, through the stock SDK's batch processor.
"""

import ctypes
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from tests.faults.forks import by_c

SPANS_OF_A_CHILD = 5
SECONDS_OF_A_CHILD = 60

_libc = ctypes.PyDLL(None)


def by_c_unseen() -> int:
    """``fork(2)`` from C, and Python never hears of it, as uWSGI does without threads."""
    pid: int = _libc.fork()
    if pid == 0:
        # The SDK's ids come from this generator, which only Python's hooks would seed again.
        random.seed()
    return pid


# What makes the function that forks: by Python with its hooks, the SDK's and ours among them, or by C.
WAYS: dict[str, Callable[[], Callable[[], int]]] = {
    "python": lambda: os.fork,
    "c": by_c,
    "c-unseen": lambda: by_c_unseen,
}


def account() -> dict[str, Any]:
    """The counts of the only destination; zeros before there are any."""
    nothing = {"accepted": 0, "exported": 0, "queued": 0, "dropped": {}}
    return next(iter(spanwire.stats()["traces"].values()), nothing)


def check_account() -> dict[str, Any]:
    counts = account()
    assert counts["accepted"] == counts["exported"] + counts["queued"] + sum(counts["dropped"].values()), counts
    return counts


def trace(tracer: Any, who: int, count: int) -> None:
    for number in range(count):
        with tracer.start_as_current_span(f"{who}", attributes={"process": who, "number": number}):
            pass


def work_as_child(provider: TracerProvider, exporter: OTLPSpanExporter, number: int, unseen: bool) -> None:
    assert account()["accepted"] == 0, "a child counts for itself"
    if unseen:
        # The inherited batch processor's thread is gone and Python did not hear why: export directly.
        provider = TracerProvider(resource=Resource({"pid": os.getpid()}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace(provider.get_tracer("child"), number, SPANS_OF_A_CHILD)
    assert provider.force_flush(40_000)
    counts = check_account()
    assert counts["exported"] == SPANS_OF_A_CHILD and counts["queued"] == 0, counts
    exporter.shutdown()


def run_child(provider: TracerProvider, exporter: OTLPSpanExporter, number: int, unseen: bool) -> None:
    status = 1
    try:
        signal.alarm(SECONDS_OF_A_CHILD)  # whoever hangs is killed, and that is not status 0
        work_as_child(provider, exporter, number, unseen)
        status = 0
    except BaseException as error:
        print(f"child {number}: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def main(endpoint: str, way: str, forks: int) -> None:
    fork, unseen = WAYS[way](), way == "c-unseen"
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=20)
    provider = TracerProvider(resource=Resource({"service.name": "forking"}), shutdown_on_exit=False)
    if unseen:
        # Only one thread of Python's, or the child of such a fork may inherit the GIL's lock taken.
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    else:
        provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=100_000, schedule_delay_millis=1))
    tracer = provider.get_tracer("parent")
    stop, traced = threading.Event(), itertools.count()

    def keep_tracing() -> None:
        while not stop.is_set():
            trace(tracer, 0, 1)
            next(traced)
            time.sleep(0.0005)

    thread = None
    if unseen:
        trace(tracer, 0, 1)
        next(traced)
    else:
        thread = threading.Thread(target=keep_tracing)
        thread.start()

    in_flight, failures = 0, []
    for number in range(1, forks + 1):
        deadline = time.monotonic() + 5
        while not (under_way := account()["queued"]) and not unseen and time.monotonic() < deadline:
            time.sleep(0.0005)
        in_flight += under_way > 0
        pid = fork()
        if pid == 0:
            run_child(provider, exporter, number, unseen)
        if unseen:
            trace(tracer, 0, 1)
            next(traced)
        _, status = os.waitpid(pid, 0)
        if status:
            failures.append((number, status))
    stop.set()
    if thread is not None:
        thread.join()
    provider.shutdown()
    print(json.dumps({"traced": next(traced), "in_flight": in_flight, "failures": failures, "counts": check_account()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
