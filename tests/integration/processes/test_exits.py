"""However a process ends: what the SDK would send is sent, what is lost is counted, nothing hangs or crashes."""

import signal
from pathlib import Path

import pytest

from spanwire.sink import Fault, Sink
from tests.books import total
from tests.integration.processes.programs import HOUR, INSTALLED, Ended, run

SPANS = 100

MULTIPROCESSING = """
import multiprocessing
child = multiprocessing.get_context("{}").Process(target=make, args=(tracer, 50))
child.start()
child.join()
assert child.exitcode == 0
"""

# The books are written by a thread that comes behind the flush.
SIGTERM = """
flush = installation.tracer_provider.force_flush
def flush_and_write(*arguments):
    answer = flush(*arguments)
    write_books()
    return answer
installation.tracer_provider.force_flush = flush_and_write
signal.raise_signal(signal.SIGTERM)
time.sleep(30)
"""

# How it ends; its status; how many of its spans arrive.
ENDS: dict[str, tuple[str, int, int]] = {
    "the end of the program": ("", 0, SPANS),
    "sys.exit": ("sys.exit(3)", 3, SPANS),
    "an unhandled exception": ("raise RuntimeError('on purpose')", 1, SPANS),
    "SIGINT": ("signal.raise_signal(signal.SIGINT); time.sleep(30)", -signal.SIGINT, SPANS),
    "SIGTERM": (SIGTERM, -signal.SIGTERM, SPANS),
    "SIGKILL": ("write_books(); os.kill(os.getpid(), signal.SIGKILL); time.sleep(30)", -signal.SIGKILL, 0),
    "a crash": ("write_books(); signal.raise_signal(signal.SIGSEGV)", -signal.SIGSEGV, 0),
    "os._exit": ("write_books(); os._exit(4)", 4, 0),
    "a child's sys.exit": ("if os.fork() == 0:\n    make(tracer, 50)\n    sys.exit()\nos.wait()", 0, SPANS + 50),
    "the end of a forked child of multiprocessing": (MULTIPROCESSING.format("fork"), 0, SPANS),
    "a child's os._exit": ("if os.fork() == 0:\n    make(tracer, 50)\n    os._exit(0)\nos.wait()", 0, SPANS),
}


def end(program: str, folder: Path, sink: Sink, **variables: str) -> Ended:
    return run(INSTALLED + program, folder, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR, **variables)


@pytest.mark.parametrize("way", ENDS)
def test_every_end_sends_what_the_sdk_sends(way: str, tmp_path: Path) -> None:
    program, status, arriving = ENDS[way]
    with Sink() as sink:
        ended = end(f"make(tracer, {SPANS})\n{program}", tmp_path, sink)
        ended.check(sink, status=status, at_rest=arriving > 0)
        assert sink.span_count == arriving
    if not arriving:  # lost with the process, whose last words were that they wait
        assert [account["queued"] for book in ended.accounts for account in book.values()] == [SPANS]


@pytest.mark.slow
@pytest.mark.parametrize("way", ENDS)
def test_the_sdk_ends_the_same_way(way: str, tmp_path: Path) -> None:
    program, status, arriving = ENDS[way]
    if way == "SIGTERM":
        arriving = 0  # the one difference
    with Sink() as sink:
        ended = end(f"make(tracer, {SPANS})\n{program}", tmp_path, sink, SPANWIRE_DISABLED="1")
        assert (ended.status, sink.span_count) == (status, arriving), ended.errors


def test_sigterm_loses_nothing_where_that_was_asked_for(tmp_path: Path) -> None:
    installed = INSTALLED.replace(
        "installation = spanwire.install()",
        """
signal.signal(signal.SIGTERM, lambda *_: (write_books(), os._exit(5)))
installation = spanwire.install(flush_on_sigterm=True)
""",
    )
    program = f"{installed}\nmake(tracer, 100)\nsignal.raise_signal(signal.SIGTERM)"
    with Sink() as sink:
        ended = run(program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        ended.check(sink, status=5)
        assert sink.span_count == 100


def test_exit_handlers_before_and_after_the_providers(tmp_path: Path) -> None:
    """Python runs them in reverse order: the later one still sends, the earlier one comes after the shutdown."""
    program = """
import atexit
from tests.integration.processes.prelude import make, write_books_at_exit
write_books_at_exit()
tracer = None
atexit.register(lambda: make(tracer, 7, "too late"))
import spanwire
tracer = spanwire.install().tracer_provider.get_tracer("tests")
atexit.register(lambda: make(tracer, 5, "in time"))
"""
    with Sink() as sink:
        ended = run(program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        ended.check(sink)
        assert [span.name for span in sink.spans()] == ["in time"] * 5
    assert [account["dropped"] for book in ended.accounts for account in book.values()] == [{"shutdown": 7}]


def test_spans_that_end_during_finalisation_are_counted(tmp_path: Path) -> None:
    program = """
import builtins

class Late:
    def __init__(self, name):
        self.name, self.span = name, tracer.start_span("open")
        # Modules are being emptied then.
        self.make, self.tracer, self.write = make, tracer, write_books

    def __del__(self):
        self.span.end()
        self.make(self.tracer, 3)
        self.write()

of_the_module = Late("module")
builtins.of_builtins = Late("builtins")
make(tracer, 10)
"""
    with Sink() as sink:
        ended = end(program, tmp_path, sink)
        ended.check(sink)
        assert sink.span_count == 10
    assert ended.errors == ""
    assert [account["dropped"] for book in ended.accounts for account in book.values()] == [{"shutdown": 8}]


def test_daemon_threads_go_on_while_the_interpreter_ends(tmp_path: Path) -> None:
    program = """
made = 0

def work():
    global made
    while True:
        make(tracer, 10)
        made += 1
        time.sleep(0.001)

threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
while made < 50:
    time.sleep(0.001)
"""
    with Sink() as sink:
        ended = end(program, tmp_path, sink)
        ended.check(sink)
        assert sink.span_count > 100
    assert "Fatal" not in ended.errors


@pytest.mark.parametrize("trouble", [Fault(delay=60), Fault(status=503)], ids=["hangs", "is unavailable"])
def test_a_backend_that_takes_nothing_does_not_keep_the_process(trouble: Fault, tmp_path: Path) -> None:
    with Sink() as sink:
        sink.inject(trouble, times=None)
        ended = end("make(tracer, 100)", tmp_path, sink, OTEL_EXPORTER_OTLP_TIMEOUT="2")
        ended.check(sink)
    assert ended.seconds < 30  # a hang guard: the backend would take 60 s
    assert total(ended.accounts, "dropped") == 100


@pytest.mark.full
def test_an_exit_that_runs_out_of_time_has_counted_everything(tmp_path: Path) -> None:
    """The time is the SDK's: 30 seconds for a whole shutdown."""
    with Sink() as sink:
        sink.inject(delay=600, times=None)
        ended = end(
            "make(tracer, 1000)",
            tmp_path,
            sink,
            OTEL_EXPORTER_OTLP_TIMEOUT="7",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="10",
            SPANWIRE_SHUTDOWN_TIMEOUT="30",
        )
        assert 25 < ended.seconds < 50  # a hang guard: 30 s; the backend would take 600
        ended.check(sink)
