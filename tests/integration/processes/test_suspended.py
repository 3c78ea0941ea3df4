"""Processes that are stopped for a while, as a frozen function or a sleeping laptop: stale connections are noticed."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.books import total
from tests.integration.processes.programs import HOUR, INSTALLED, finish, start

INVOCATIONS = 5
IDLE_SECONDS = 0.5  # after which the server closes a connection
STOPPED_SECONDS = 1.5

FUNCTION = f"""
{INSTALLED}
for number, _ in enumerate(sys.stdin):
    make(tracer, 10, invocation=number)
    print(installation.force_flush(20_000), flush=True)
"""


def invoke(process: subprocess.Popen[str]) -> None:
    """One invocation, and its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "True\n"


def suspend(process: subprocess.Popen[str], seconds: float) -> None:
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_frozen_function_flushes_once_an_invocation(tmp_path: Path) -> None:
    with Sink(header_timeout=IDLE_SECONDS) as sink:
        process = start(FUNCTION, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        for number in range(INVOCATIONS):
            invoke(process)
            assert sink.span_count == 10 * (number + 1), "sent before the function is frozen again"
            suspend(process, STOPPED_SECONDS)
        ended = finish(process, tmp_path)
        ended.check(sink)
        assert sink.attempt_count == INVOCATIONS
    assert total(ended.accounts, "retries") == 0, "a stale connection is noticed before it is written to"
    assert total(ended.accounts, "connections") == INVOCATIONS


def test_a_connection_that_is_kept_open_meanwhile_is_used_again(tmp_path: Path) -> None:
    with Sink() as sink:
        process = start(FUNCTION, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        for _ in range(3):
            invoke(process)
            suspend(process, 0.1)
        ended = finish(process, tmp_path)
        ended.check(sink)
    assert total(ended.accounts, "connections") == 1


@pytest.mark.full
@pytest.mark.timeout(200)
def test_a_connection_that_was_idle_for_long_is_not_trusted(tmp_path: Path) -> None:
    with Sink(header_timeout=600) as sink:
        process = start(FUNCTION, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        invoke(process)
        suspend(process, 95)
        invoke(process)
        ended = finish(process, tmp_path)
        ended.check(sink)
        assert sink.span_count == 20
    assert total(ended.accounts, "connections") == 2


def test_what_was_due_while_it_was_stopped_is_sent_when_it_goes_on(tmp_path: Path) -> None:
    program = f"""
{INSTALLED}
make(tracer, 10)
assert installation.force_flush(20_000)
make(tracer, 20)
print("ready", flush=True)
until = time.monotonic() + 30
while sum(account["exported"] for account in spanwire.stats()["traces"].values()) < 30:
    assert time.monotonic() < until
    time.sleep(0.01)
os._exit(0 if write_books() else 1)  # nobody has flushed
"""
    with Sink(header_timeout=IDLE_SECONDS) as sink:
        process = start(program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY="500")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        suspend(process, STOPPED_SECONDS)
        finish(process, tmp_path).check(sink)
        assert sink.span_count == 30


def test_stopped_while_a_request_is_under_way_it_reads_the_answer_later(tmp_path: Path) -> None:
    program = f"""
{INSTALLED}
make(tracer, 10)
print("ready", flush=True)
assert installation.force_flush(20_000)
"""
    with Sink() as sink:
        sink.inject(delay=1)
        process = start(program, tmp_path, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR)
        while sink.attempt_count == 0 and process.poll() is None:
            time.sleep(0.01)
        suspend(process, STOPPED_SECONDS)
        ended = finish(process, tmp_path)
        ended.check(sink)
        assert (sink.span_count, sink.attempt_count) == (10, 1)
