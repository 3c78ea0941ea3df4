"""``spanwire top`` beside a program that runs."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests import processes
from tests.faults.test_top_socket import end, running
from tests.processes import Ended

PROGRAM = """
import os, sys
import spanwire
from opentelemetry import trace
installation = spanwire.install()
tracer = trace.get_tracer("tests")
for _ in range(5):
    tracer.start_span("span").end()
installation.force_flush()
print(os.getpid(), flush=True)
for line in sys.stdin:
    for _ in range(1000):
        tracer.start_span("span").end()
    installation.force_flush()
    print("sent", flush=True)
"""
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "30"}  # a second try would be shown
COMMAND = [sys.executable, "-m", "spanwire", "top"]


def run(*arguments: str, **variables: str) -> Ended:
    return processes.run([*COMMAND, *arguments], status=None, variables=variables)


def test_a_program_is_shown_by_path_by_number_and_by_the_variable(tmp_path: Path) -> None:
    with Sink() as sink:
        variables = {"SPANWIRE_TOP_SOCKET": str(tmp_path / "shop"), "OTEL_SERVICE_NAME": "the shop"}
        with running(PROGRAM, {}, OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint, **PATIENT, **variables) as program:
            assert program.stdout is not None
            pid = program.stdout.readline().strip()
            for done in (run(variables["SPANWIRE_TOP_SOCKET"]), run(pid, "--once"), run("--once", **variables)):
                assert (done.returncode, done.stderr) == (0, "")
                assert done.stdout.startswith(f"{pid} the shop  serves since")
                assert re.search(rf"^  {re.escape(sink.traces_endpoint)}$", done.stdout, re.MULTILINE)
                assert re.search(r"^ +- +- +0 +0 +0 +- +5$", done.stdout, re.MULTILINE)
            done = run(pid, "--once", "--json")
            line = json.loads(done.stdout)
            assert line["stats"]["traces"][sink.traces_endpoint]["exported"] == 5
            assert end(program)[0] == 0
        done = run(pid)
        assert (done.returncode, done.stdout) == (1, "") and "no process serves its counts at" in done.stderr


def test_without_a_target_it_says_what_to_give() -> None:
    done = run()
    assert done.returncode == 2 and "say which processes" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_on_a_terminal_it_goes_on_until_it_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    with (
        Sink() as sink,
        running(
            PROGRAM,
            {},
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint,
            SPANWIRE_TOP_SOCKET=str(tmp_path / "shop"),
            **PATIENT,
        ) as program,
    ):
        assert program.stdout is not None and program.stdin is not None
        program.stdout.readline()
        master, slave = pty.openpty()
        viewer = subprocess.Popen(
            [*COMMAND, str(tmp_path / "shop"), "--interval", "0.1"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        )
        os.close(slave)
        seen = b""
        until = time.monotonic() + 60
        # A rate is shown once there is one.
        while not re.search(rb"[1-9][\d,]* +[1-9][\d,]* +0 +0 +0 ", seen):
            assert time.monotonic() < until, seen[-2000:]
            program.stdin.write("more\n")
            program.stdin.flush()
            program.stdout.readline()
            seen += os.read(master, 1 << 16)
        viewer.send_signal(number)
        with contextlib.suppress(OSError):  # its end is one
            while os.read(master, 1 << 16):
                pass
        assert viewer.wait(30) == 0
        os.close(master)
        assert end(program)[0] == 0
