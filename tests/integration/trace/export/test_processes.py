"""Forks, by Python and from C, and the end of the interpreter, with a native tracer and the batch processor."""

import textwrap

import pytest

from spanwire.sink import Sink
from tests.integration.exporter.programs import run

PROGRAM = """
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter(endpoint=sys.argv[1])
processor = BatchSpanProcessor(exporter, schedule_delay_millis=int(sys.argv[2]))
provider = TracerProvider()
provider.add_span_processor(processor)
tracer = provider.get_tracer("tests")

def make(count):
    for _ in range(count):
        tracer.start_span("span").end()

def books_at_rest():
    got = account(exporter)
    assert got["queued"] == 0 and got["accepted"] == got["exported"] + sum(got["dropped"].values()), got
"""


def run_with_processor(program: str, sink: Sink, *arguments: str, delay: int = 3_600_000) -> str:
    return run(PROGRAM + textwrap.dedent(program), sink.traces_endpoint, str(delay), *arguments)


@pytest.mark.parametrize("fork", ["python_fork", "c_fork"])
def test_a_child_sends_its_own_spans_and_not_its_parents(fork: str, sink: Sink) -> None:
    run_with_processor(
        """
        make(10)  # wait in the parent, and its thread waits too

        def child():
            assert account(exporter) is None or account(exporter)["accepted"] == 0
            assert processor._queue.counts()["accepted"] == 0
            make(3)
            assert processor.force_flush(20_000)
            assert account(exporter)["exported"] == 3, account(exporter)
            make(1)
            provider.shutdown()
            books_at_rest()

        assert [in_child(globals()[sys.argv[3]], child) for _ in range(5)] == [0] * 5
        assert processor.force_flush(20_000)
        assert account(exporter)["exported"] == 10
        books_at_rest()
        """,
        sink,
        fork,
    )
    assert sink.span_count == 10 + 5 * 4


@pytest.mark.parametrize("fork", ["python_fork", "c_fork"])
def test_the_thread_of_a_child_is_started_by_its_first_span(fork: str, sink: Sink) -> None:
    run_with_processor(
        """
        make(1)
        assert processor.force_flush(20_000)

        def child():
            make(1)  # and nobody flushes
            while not (account(exporter) or {}).get("exported"):
                time.sleep(0.001)
            books_at_rest()

        assert in_child(globals()[sys.argv[3]], child) == 0
        """,
        sink,
        fork,
        delay=50,
    )
    assert sink.span_count == 2


def test_children_forked_while_threads_make_spans_deliver_theirs(sink: Sink) -> None:
    sent = run_with_processor(
        """
        stop = threading.Event()

        def work():
            while not stop.wait(0.001):  # no faster than one thread can send
                make(10)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()

        def child():
            make(5)
            assert processor.force_flush(20_000)
            books_at_rest()

        statuses = [in_child(python_fork, child) for _ in range(20)]
        stop.set()
        for thread in threads:
            thread.join()
        assert statuses == [0] * 20, statuses
        assert processor.force_flush(30_000)
        books_at_rest()
        print(account(exporter)["exported"] + 20 * 5)
        """,
        sink,
    )
    assert sink.span_count == int(sent)


def test_the_interpreters_end_flushes(sink: Sink) -> None:
    run_with_processor("make(3000)", sink)
    assert sink.span_count == 3000


def test_a_processor_that_nobody_shuts_down_does_not_keep_or_crash_the_interpreter(sink: Sink) -> None:
    run_with_processor(
        """
        import atexit
        atexit.unregister(provider.shutdown)
        make(10)
        """,
        sink,
    )


def test_spans_that_end_in_an_exit_handler_are_sent(sink: Sink) -> None:
    run_with_processor("import atexit; atexit.register(make, 5)", sink)
    assert sink.span_count == 5
