"""``spanwire.install(flush_on_sigterm=…)``: what waits is sent before what was to happen then happens."""

import signal
import subprocess
import sys
import time

import pytest

from spanwire.sink import Fault, Sink
from tests.conformance.test_install import PRINT_AND_EXIT, environment, run

# What SIGTERM did before; how the process ends then; what it says.
BEFORE: dict[str, tuple[str, int, str]] = {
    "default": ("", -signal.SIGTERM, ""),
    "ignored": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 0, "went on\n"),
    "handled": ("signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number + 1))", 16, ""),
}
WAIT = f"""
import signal, sys
{{before}}
spanwire.install(flush_on_sigterm={{seconds}})
{PRINT_AND_EXIT}
print("ready", flush=True)
sys.stdin.read()  # until there can come no more signals
print("went on")
sys.stdout.flush()
os._exit(0)
"""


def terminated(
    before: str, seconds: object, endpoint: str, again_after: tuple[float, ...] = ()
) -> tuple[int, str, float]:
    """Status, output and seconds from the signal to the end of a process that gets SIGTERM with a span in its queue."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import os, spanwire\n{WAIT.format(before=before, seconds=seconds)}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="3600000"),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        for pause in again_after:
            time.sleep(pause)
            process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, output, time.monotonic() - began


@pytest.mark.parametrize("case", BEFORE)
def test_sigterm_flushes_and_then_does_what_it_did_before(case: str) -> None:
    before, status, output = BEFORE[case]
    with Sink() as sink:
        ended = terminated(before, True, sink.http_endpoint)
        assert (ended[:2], sink.span_count) == ((status, output), 1)


def test_without_it_sigterm_loses_what_waits_as_with_the_sdk() -> None:
    with Sink() as sink:
        assert (terminated("", False, sink.http_endpoint)[0], sink.span_count) == (-signal.SIGTERM, 0)


def test_a_backend_that_hangs_delays_sigterm_by_its_seconds_only() -> None:
    with Sink() as sink:
        sink.schedule([Fault(delay=30)])
        status, _, seconds = terminated("", 1, sink.http_endpoint)
    assert status == -signal.SIGTERM
    assert 0.9 < seconds < 15  # a hang guard: 1 s; the backend would take 30


def test_a_second_sigterm_gets_no_time_of_its_own() -> None:
    with Sink() as sink:
        sink.schedule([Fault(delay=60)] * 3)
        status, _, seconds = terminated("", 10, sink.http_endpoint, again_after=(9,))
    assert status == -signal.SIGTERM
    assert 9.9 < seconds < 18  # a hang guard: 10 s, not 19


NO_THREADS = """
import _thread, threading
def none(*_):
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = threading._start_new_thread = none
"""


def test_where_no_thread_can_be_started_the_process_ends_all_the_same() -> None:
    program = (
        f"import signal\nspanwire.install(flush_on_sigterm=True)\n{NO_THREADS}\nsignal.raise_signal(signal.SIGTERM)"
    )
    assert run(f"{program}\nos._exit(3)").returncode == -signal.SIGTERM


@pytest.mark.parametrize("seconds", ["inf", "nan", "-1", "86401"])
def test_a_time_that_cannot_be_waited_for_is_a_clear_error(seconds: str) -> None:
    errors = run(f"spanwire.install(flush_on_sigterm=float('{seconds}'))").stderr
    assert "ValueError: flush_on_sigterm is a number of seconds, at most a day: not " in errors


def test_as_process_1_which_the_default_does_not_end_it_flushes_every_time() -> None:
    program = """
import signal
spanwire.install(flush_on_sigterm=True)
handler = signal.getsignal(signal.SIGTERM)
os.kill = lambda *_: None  # as the kernel does there
signal.raise_signal(signal.SIGTERM)
print(signal.getsignal(signal.SIGTERM) is handler)
"""
    assert run(program, OTEL_TRACES_EXPORTER="none").stdout == "True\n"


GEVENT = f"""
from gevent import monkey, sleep
monkey.patch_all()
import os, signal, spanwire
spanwire.install(flush_on_sigterm=True)
{PRINT_AND_EXIT}
def send():
    monkey.get_original("time", "sleep")(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
monkey.get_original("_thread", "start_new_thread")(send, ())
sleep(30)
"""


def test_in_the_hub_of_gevent() -> None:
    pytest.importorskip("gevent", reason="not applicable: gevent is missing")
    with Sink() as sink:
        done = subprocess.run(
            [sys.executable, "-c", GEVENT],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY="3600000"),
        )
        assert (done.returncode, done.stderr, sink.span_count) == (-signal.SIGTERM, "", 1)


def test_outside_the_main_thread_it_is_a_clear_error() -> None:
    program = """
import threading
def work():
    try:
        spanwire.install(flush_on_sigterm=True)
    except ValueError as error:
        print(error)
thread = threading.Thread(target=work)
thread.start()
thread.join()
from opentelemetry import trace
print(trace._TRACER_PROVIDER)
"""
    assert run(program).stdout == (
        "flush_on_sigterm works in the main thread only, as Python's signal handlers do: call "
        "spanwire.install() there\nNone\n"
    )
