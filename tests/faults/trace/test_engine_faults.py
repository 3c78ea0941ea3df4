"""What happens to the engine at bad moments: no thread to be had, signals and forks inside a flush, a broken log stream."""

import os
import subprocess
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.processes import python

PREAMBLE = """
import json, logging, os, signal, socket, sys, time
import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

HOUR = 3_600_000

def make(endpoint, **more):
    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=more.pop("timeout", 5)), **more)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return processor, provider.get_tracer("tests")

def silent():
    "Accepts and never answers."
    listener = socket.create_server(("127.0.0.1", 0))
    globals().setdefault("kept", []).append(listener)
    return f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"

def balanced():
    for account in spanwire.stats()["traces"].values():
        assert account["accepted"] == account["exported"] + account["queued"] + sum(account["dropped"].values()), account
    return True
"""

# pthread_create fails while the file NO_THREADS exists.
NO_THREADS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    const char *path = getenv("NO_THREADS");
    return path && access(path, F_OK) == 0 ? EAGAIN : real(t, a, f, x);
}
"""


def run(program: str, **environment: str) -> str:
    """What the program prints; it must end well within a minute."""
    return python("-c", PREAMBLE + textwrap.dedent(program), variables=environment).stdout


def test_while_no_thread_can_be_had_spans_are_kept_and_sent_later(tmp_path: Path) -> None:
    source, library, switch = tmp_path / "no.c", tmp_path / "no.so", tmp_path / "no-threads"
    source.write_text(NO_THREADS, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    said = run(
        """
        with Sink() as sink:
            processor, tracer = make(sink.traces_endpoint, schedule_delay_millis=HOUR)
            open(os.environ["NO_THREADS"], "w").close()
            for _ in range(500):
                tracer.start_span("span").end()
            print(processor.force_flush(2000), len(processor._queue))
            os.unlink(os.environ["NO_THREADS"])
            time.sleep(1.1)  # it tries once a second
            print(processor.force_flush(), sink.span_count, balanced())
        """,
        LD_PRELOAD=f"{os.environ.get('LD_PRELOAD', '')} {library}",
        NO_THREADS=str(switch),
    )
    assert said.splitlines() == ["False 500", "True 500 True"]


def test_a_handler_that_raises_leaves_a_processor_that_sends() -> None:
    said = run(
        """
        class Late(Exception):
            pass

        def late(*_):
            raise Late

        with Sink() as sink:
            ended = caught = 0
            signal.signal(signal.SIGALRM, late)
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                processor, tracer = make(sink.traces_endpoint, schedule_delay_millis=HOUR)
                spans = [tracer.start_span("span") for _ in range(2)]
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.00002 + 0.00001 * (ended % 20))
                    try:
                        spans[0].end()  # the first one starts what sends
                        time.sleep(0.001)
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                except Late:
                    caught += 1
                spans[1].end()
                assert processor.force_flush(5000)
                ended += 1
                processor.shutdown()
            print(caught > 10, balanced())
        """
    )
    assert said.split() == ["True", "True"]


def test_a_child_that_a_handler_forks_inside_a_flush_does_not_wait_for_its_parent() -> None:
    said = run(
        """
        processor, tracer = make(silent(), schedule_delay_millis=HOUR)
        tracer.start_span("span").end()
        pid = None

        def fork(*_):
            global pid
            pid = os.fork()

        signal.signal(signal.SIGALRM, fork)
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        begin = time.monotonic()
        answer = processor.force_flush(7000)
        took = time.monotonic() - begin
        if pid == 0:
            os._exit(0 if took < 6 and not answer else 1)
        print(answer, took > 6.5, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0 if sys.stdout.flush() is None else 1)
        """
    )
    assert said.split() == ["False", "True", "0"]


def test_a_broken_log_stream_does_not_silence_the_worker_for_good() -> None:
    said = run(
        """
        import io, threading
        from spanwire._telemetry import log
        from spanwire.sink import Sink

        broken = io.StringIO()
        logging.getLogger().addHandler(logging.StreamHandler(broken))
        broken.close()
        stderr, sys.stderr = sys.stderr, broken
        sink = Sink().start()
        sink.inject(status=400, times=None)  # of each request there is something to say
        processor, tracer = make(sink.traces_endpoint, timeout=1, schedule_delay_millis=20)

        def end_some():
            for _ in range(15):
                tracer.start_span("span").end()
                time.sleep(0.03)

        end_some()
        heard = []

        class Hear(logging.Handler):
            def emit(self, record):
                heard.append(record)

        logging.getLogger().handlers[:] = [Hear()]
        sys.stderr = stderr
        log._last.clear()
        until = time.monotonic() + 30
        while not heard and time.monotonic() < until:
            end_some()
        print(len(heard) > 0, balanced())
        """
    )
    assert said.split() == ["True", "True"]


def test_a_shutdown_beside_a_flush_with_a_silent_backend_keeps_both_limits() -> None:
    said = run(
        """
        import threading

        processor, tracer = make(silent(), schedule_delay_millis=HOUR, timeout=60)
        tracer.start_span("span").end()
        answers = []
        flusher = threading.Thread(target=lambda: answers.append(processor.force_flush(50_000)))
        flusher.start()
        time.sleep(0.2)
        begin = time.monotonic()
        processor._delivery.shutdown(1000)
        took = time.monotonic() - begin
        flusher.join(20)
        print(took < 15, not flusher.is_alive(), balanced(), sum(
            sum(account["dropped"].values()) for account in spanwire.stats()["traces"].values()))
        """
    )
    assert said.split() == ["True", "True", "True", "1"]


@pytest.mark.skipif(find_spec("gevent") is None, reason="not applicable: gevent is missing")
def test_many_greenlets_that_flush_leave_gevents_pool_to_others() -> None:
    said = run(
        """
        import gevent.monkey
        gevent.monkey.patch_all()
        import gevent

        processor, tracer = make(silent(), schedule_delay_millis=HOUR)
        tracer.start_span("span").end()
        flushing = [gevent.spawn(processor.force_flush, 40_000) for _ in range(12)]
        gevent.sleep(0.2)
        begin = time.monotonic()
        socket.getaddrinfo("localhost", 80)
        print(time.monotonic() - begin < 20)
        sys.stdout.flush()
        os._exit(0)
        """
    )
    assert said.split() == ["True"]


def test_scopes_that_alternate_cost_no_copy_of_the_resource_each() -> None:
    said = run(
        """
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider as SdkProvider

        processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=silent()), schedule_delay_millis=HOUR)
        provider = SdkProvider(resource=Resource({"text": "x" * 4000}), shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracers = [provider.get_tracer(f"scope {number}") for number in range(2)]
        for number in range(4000):
            tracers[number % 2].start_span("span").end()
        resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
        before = resident()
        for number in range(20_000):
            tracers[number % 2].start_span("span").end()
        print(processor._queue.counts()["full"], (resident() - before) < 20_000_000)
        os._exit(0 if sys.stdout.flush() is None else 1)
        """
    )
    assert said.split() == ["0", "True"]
