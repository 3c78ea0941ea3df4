"""Forks while threads make spans, and says which ids parent and children made; run by test_fork.py in a process of its own.

``forking_app.py WAY FORKS [exporting]`` prints as JSON: ids of traces and of spans by process (0: the parent), and how many
spans the parent's threads had made at each fork.
"""

import faulthandler
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import trace

from spanwire.trace import TracerProvider
from tests.faults.forks import by_c

THREADS = 8
ROOTS_OF_A_CHILD = 40
SECONDS_OF_A_CHILD = 60


class Ids:
    """Ids of spans that one thread made: of traces by roots, of spans by all."""

    def __init__(self) -> None:
        self.traces: list[int] = []
        self.spans: list[int] = []

    def add(self, span: Any, *, root: bool) -> None:
        context = span.get_span_context()
        assert context.is_valid
        self.spans.append(context.span_id)
        if root:
            self.traces.append(context.trace_id)


def make(tracer: Any, ids: Ids) -> None:
    """A root, a child and a grandchild."""
    with tracer.start_as_current_span("root", context=trace.set_span_in_context(trace.INVALID_SPAN)) as root:
        ids.add(root, root=True)
        root.set_attribute("key", "value")
        with tracer.start_as_current_span("child") as child:
            ids.add(child, root=False)
            assert child.parent.span_id == ids.spans[-2]
            leaf = tracer.start_span("leaf")
            leaf.end()
            ids.add(leaf, root=False)


def work_as_child(tracer: Any, inherited: list[Any]) -> Ids:
    ids = Ids()
    current = inherited[0]
    assert trace.get_current_span() is current, "the child has its parent's current span"
    under = tracer.start_span("under the parent's span")
    assert under.parent == current.get_span_context()
    assert under.get_span_context().trace_id == current.get_span_context().trace_id
    ids.add(under, root=False)
    for span in inherited:
        span.set_attribute("in child", os.getpid())
        span.end()
        assert span.attributes["in child"] == os.getpid()
    for _ in range(ROOTS_OF_A_CHILD):
        make(tracer, ids)
    return ids


def run_child(work: Callable[[], Ids], out: int) -> None:
    status = 1
    try:
        faulthandler.register(signal.SIGALRM, chain=True)
        signal.alarm(SECONDS_OF_A_CHILD)  # whoever hangs is killed, and that is not status 0
        ids = work()
        with os.fdopen(out, "w") as file:
            json.dump([ids.traces, ids.spans], file)
        status = 0
    except BaseException as error:
        print(f"child: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def main(way: str, forks: int) -> None:
    fork = os.fork if way == "python" else by_c()
    provider = TracerProvider(shutdown_on_exit=False)
    tracer = provider.get_tracer("forking")
    stop = threading.Event()
    own = [Ids() for _ in range(THREADS)]
    # The threads trace while a fork is due, and stop when it has happened: endless work would only make more ids.
    turns, busy, over = [threading.Semaphore(0) for _ in own], [False] * THREADS, threading.Event()
    sys.setswitchinterval(5e-4)  # or the forking thread waits long for its turn among so many

    def trace_in_turns(number: int) -> None:
        while turns[number].acquire() and not stop.is_set():
            while not over.is_set():
                make(tracer, own[number])
                busy[number] = True  # now that it has made some, whatever it gets to do before the fork
            busy[number] = False

    threads = [threading.Thread(target=trace_in_turns, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()

    main_ids, children, made, failures = Ids(), [], [], []
    for number in range(forks):
        current: Any
        with tracer.start_as_current_span(f"fork {number}") as current:
            main_ids.add(current, root=True)
            inherited = [current, tracer.start_span("not ended")]
            main_ids.add(inherited[1], root=False)
            reading, writing = os.pipe()
            over.clear()
            for turn in turns:
                turn.release()
            while not all(busy):
                time.sleep(0)  # only to hand over the GIL
            pid = fork()
            if pid == 0:
                run_child(lambda: work_as_child(tracer, inherited), writing)  # noqa: B023 # it runs at once
            over.set()
            while any(busy):
                time.sleep(0)
            os.close(writing)
            with os.fdopen(reading) as file:
                text = file.read()
            _, status = os.waitpid(pid, 0)
            assert "in child" not in current.attributes
            if status:
                failures.append([number, status])
            else:
                children.append(json.loads(text))
        made.append(sum(len(ids.spans) for ids in own))
    stop.set()
    for turn in turns:
        turn.release()
    for thread in threads:
        thread.join()
    everything = [main_ids, *own]
    parent = [[i for ids in everything for i in ids.traces], [i for ids in everything for i in ids.spans]]
    print(json.dumps({"parent": parent, "children": children, "made": made, "failures": failures}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
