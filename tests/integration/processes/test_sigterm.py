"""SIGTERM without a word about it: what is queued is sent where that takes the signal from nobody."""

import http.client
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.integration.processes.programs import HOUR, SECONDS, environment

REQUESTS = 10
APPLICATION = """
import os, sys, time
from opentelemetry import trace
import spanwire
if "LATE" not in os.environ:
    installation = spanwire.install()

async def app(scope, receive, send):
    global installation
    if scope["type"] == "lifespan":
        installation = spanwire.install()
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    with trace.get_tracer("app").start_as_current_span("request"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(installation).splitlines()[-1].encode()})

if __name__ == "__main__":
    import uvicorn
    uvicorn.run(app, uds=sys.argv[1], log_level="warning")
"""
MODULE = [sys.executable, "-m", "uvicorn", "app:app", "--log-level", "warning", "--uds", "{socket}"]
AS_BEFORE = "at most, then as before"
AT_THE_END = "at most when uvicorn has shut down"
# How it is started; whether the application is set up when the server runs; what the report says.
SERVERS: dict[str, tuple[list[str], bool, str]] = {
    "one": (MODULE, False, AS_BEFORE),
    "two workers": ([*MODULE, "--workers", "2"], False, AT_THE_END),
    "from the program": ([sys.executable, "app.py", "{socket}"], False, AS_BEFORE),
    "one, set up late": (MODULE, True, AT_THE_END),
    "two workers, set up late": ([*MODULE, "--workers", "2"], True, AT_THE_END),
}


def start(command: list[str], folder: Path, sink: Sink, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment(folder, sink.http_endpoint, OTEL_BSP_SCHEDULE_DELAY=HOUR), **variables},
    )


def ask(path: Path) -> str:
    """The answer to one request, as soon as somebody listens."""
    until = time.monotonic() + SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(SECONDS)
            try:
                stream.connect(str(path))
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.05)
                continue
            connection = http.client.HTTPConnection("localhost")
            connection.sock = stream
            connection.request("GET", "/", headers={"Connection": "close"})
            return connection.getresponse().read().decode()


@pytest.mark.parametrize("way", SERVERS)
def test_the_requests_of_uvicorn_arrive(way: str, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="not applicable: uvicorn is missing")
    (tmp_path / "app.py").write_text(APPLICATION)
    path = tmp_path / "socket"
    command, is_late, when = SERVERS[way]
    with Sink() as sink:
        variables = {"LATE": "1"} if is_late else {}
        process = start([word.format(socket=path) for word in command], tmp_path, sink, **variables)
        try:
            answers = {ask(path) for _ in range(REQUESTS)}
            assert sink.span_count == 0
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
        assert (sink.span_count, output) == (REQUESTS, "")
    assert process.returncode == (0 if "two workers" in way else -signal.SIGTERM)
    assert answers == {f"SIGTERM: flushes for 5 s {when}"}


PLAIN = """
import multiprocessing, os, signal, sys, threading, time
import spanwire
from opentelemetry import trace
{set_up}
{make}
print("ready", flush=True)
{wait}
"""
INSTALL = "installation = spanwire.install()"
MAKE = "for _ in range(10): trace.get_tracer('app').start_span('span').end()"
WAITS = {
    "sleep": "time.sleep(60)",
    "a thread": "thread = threading.Thread(target=time.sleep, args=(60,)); thread.start(); thread.join()",
    "a read": "sys.stdin.read()",
    "asyncio": "import asyncio; asyncio.run(asyncio.sleep(60))",
}


def terminated(program: str, folder: Path, sink: Sink, *command: str, **variables: str) -> tuple[int, str]:
    """Status and output of a program that gets SIGTERM when it is ready."""
    (folder / "app.py").write_text(program)
    process = start([*command, sys.executable, "app.py"], folder, sink, **variables)
    try:
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "ready\n":
            assert command and line, line  # opentelemetry-instrument speaks of other distros that are installed
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return process.returncode, output


@pytest.mark.parametrize("way", WAITS)
def test_a_plain_program_sends_what_is_queued(way: str, tmp_path: Path) -> None:
    with Sink() as sink:
        ended = terminated(PLAIN.format(set_up=INSTALL, make=MAKE, wait=WAITS[way]), tmp_path, sink)
        assert (*ended, sink.span_count) == (-signal.SIGTERM, "", 10)


def test_set_up_without_code_sends_what_is_queued(tmp_path: Path) -> None:
    instrument = Path(sys.executable).with_name("opentelemetry-instrument")
    program = PLAIN.format(set_up="", make=MAKE, wait=WAITS["sleep"])
    names = {"OTEL_PYTHON_DISTRO": "spanwire", "OTEL_PYTHON_CONFIGURATOR": "spanwire", "OTEL_METRICS_EXPORTER": "none"}
    with Sink() as sink:
        ended = terminated(program, tmp_path, sink, str(instrument), OTEL_LOGS_EXPORTER="none", **names)
        assert (*ended, sink.span_count) == (-signal.SIGTERM, "", 10)


OFF = {
    "keyword": ("installation = spanwire.install(flush_on_sigterm=False)", {}),
    "variable": (INSTALL, {"SPANWIRE_FLUSH_ON_SIGTERM": "false"}),
    "the SDK alone": (INSTALL, {"SPANWIRE_DISABLED": "1"}),
}


@pytest.mark.parametrize("way", OFF)
def test_it_can_be_switched_off(way: str, tmp_path: Path) -> None:
    set_up, variables = OFF[way]
    with Sink() as sink:
        program = PLAIN.format(set_up=set_up, make=MAKE, wait=WAITS["sleep"])
        ended = terminated(f"{program}", tmp_path, sink, **variables)
        assert (*ended, sink.span_count) == (-signal.SIGTERM, "", 0)


def test_the_variable_gives_the_bound(tmp_path: Path) -> None:
    with Sink() as sink:
        program = PLAIN.format(set_up=INSTALL, make="print(installation)", wait="")
        (tmp_path / "app.py").write_text(program)
        process = start([sys.executable, "app.py"], tmp_path, sink, SPANWIRE_FLUSH_ON_SIGTERM="2.5")
        output, _ = process.communicate(timeout=SECONDS)
    assert "SIGTERM: flushes for 2.5 s at most, then as before" in output


@pytest.mark.parametrize("value", ["yes please", "-1", "inf"])
def test_a_variable_that_is_no_time_is_a_clear_error(value: str, tmp_path: Path) -> None:
    with Sink() as sink:
        (tmp_path / "app.py").write_text(PLAIN.format(set_up=INSTALL, make="", wait=""))
        process = start([sys.executable, "app.py"], tmp_path, sink, SPANWIRE_FLUSH_ON_SIGTERM=value)
        output, _ = process.communicate(timeout=SECONDS)
    assert "ValueError: SPANWIRE_FLUSH_ON_SIGTERM is a number of seconds, at most a day: not " in output


NATIVE = "import ctypes; exit = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda _: os._exit(9)); ctypes.CDLL(None).signal(15, exit)"
FOREIGN = {
    "handler": (
        "def end(*_): os._exit(9)\nsignal.signal(signal.SIGTERM, end)",
        "SIGTERM: not flushed: __main__.end handles it; call force_flush() where that ends the program",
    ),
    "native": (
        NATIVE,
        "SIGTERM: not flushed: native code handles it; call force_flush() where that ends the program",
    ),
}


@pytest.mark.parametrize("way", FOREIGN)
def test_a_handler_of_somebody_elses_stays_and_the_report_says_so(way: str, tmp_path: Path) -> None:
    before, line = FOREIGN[way]
    program = PLAIN.format(
        set_up=f"{before}\n{INSTALL}", make=f"last = str(installation).splitlines()[-1]\n{MAKE}", wait="time.sleep(60)"
    ).replace("os._exit(9)", "(print(last, flush=True), os._exit(9))")
    with Sink() as sink:
        assert terminated(program, tmp_path, sink) == (9, f"{line}\n")
        assert sink.span_count == 0


def test_outside_the_main_thread_nothing_is_set_and_the_report_says_so(tmp_path: Path) -> None:
    set_up = (
        "def work(): print(spanwire.install())\nthread = threading.Thread(target=work); thread.start(); thread.join()"
    )
    with Sink() as sink:
        (tmp_path / "app.py").write_text(PLAIN.format(set_up=set_up, make="", wait="print(signal.getsignal(15))"))
        process = start([sys.executable, "app.py"], tmp_path, sink)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "SIGTERM: not flushed: set-up ran outside the main thread" in output
    assert output.endswith("0\n")  # Handlers.SIG_DFL


TERMINATE = """
def work(ready):
    for _ in range(10): trace.get_tracer('app').start_span('of the child').end()
    ready.send(1)
    time.sleep(60)
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    mine, its = context.Pipe()
    child = context.Process(target=work, args=(its,))
    child.start()
    mine.recv()
    child.terminate()
    child.join()
    print(child.exitcode, flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_that_are_terminated(method: str, tmp_path: Path) -> None:
    program = PLAIN.format(set_up=INSTALL, make="", wait="").replace(
        'print("ready", flush=True)', TERMINATE.format(method=method)
    )
    with Sink() as sink:
        (tmp_path / "app.py").write_text(program)
        process = start([sys.executable, "app.py"], tmp_path, sink)
        output, _ = process.communicate(timeout=SECONDS)
        assert (process.returncode, output) == (0, f"{-signal.SIGTERM}\n")
        assert [span.name for span in sink.spans()] == ["of the child"] * 10


def test_a_lock_that_the_main_thread_holds_does_not_keep_the_process(tmp_path: Path) -> None:
    """The flush needs what the interrupted code holds: the bound ends it."""
    make = f"{MAKE}\nimport logging\nlogging._lock.acquire() if hasattr(logging, '_lock') else None\nspanwire._telemetry.log._lock.acquire()"
    program = PLAIN.format(set_up=INSTALL, make=make, wait=WAITS["sleep"])
    with Sink() as sink:
        assert terminated(program, tmp_path, sink, SPANWIRE_FLUSH_ON_SIGTERM="1") == (-signal.SIGTERM, "")


def test_a_backend_that_refuses_does_not_keep_the_process_longer_than_the_bound(tmp_path: Path) -> None:
    with Sink() as sink:
        program = PLAIN.format(set_up=INSTALL, make=MAKE, wait=WAITS["sleep"])
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # nobody listens
            began = time.monotonic()
            endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
            status, _ = terminated(program, tmp_path, sink, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    assert status == -signal.SIGTERM
    assert time.monotonic() - began < SECONDS / 2  # a hang guard: 5 s and the start
