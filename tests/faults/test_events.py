"""Functions that are told of errors and drops, where processes fork and end: each says what itself has lost, and no more."""

import json
from typing import Any

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.processes import python

BEGIN = """
import json, os, sys, threading, time
import spanwire
from opentelemetry import trace
from spanwire._telemetry import hooks
from tests.faults.forks import by_c

main = threading.main_thread().ident
hooks.EXIT_SECONDS = 30.0  # of a busy machine

heard = set()

def hear(kind):
    def function(event):
        assert threading.get_ident() != main
        heard.add(kind)
        os.write(1, (json.dumps([sys_name, kind, event.reason, event.count]) + chr(10)).encode())
    return function

sys_name = "parent"
installation = spanwire.install(on_error=hear("error"), on_drop=hear("drop"))
tracer = trace.get_tracer("tests")

def lose(spans):
    for _ in range(spans):
        tracer.start_span("span").end()
    installation.force_flush()
"""
AT_EXIT = f"{BEGIN}\nlose(3)"
IN_THE_LAST_FLUSH = f"{BEGIN}\nfor _ in range(4): tracer.start_span('span').end()"
AFTER_SHUTDOWN = f"{BEGIN}\ninstallation.shutdown()\nfor _ in range(5): tracer.start_span('late').end()"
HANGS = f"""{BEGIN}
hooks.EXIT_SECONDS = 2.0
spanwire.events.subscribe(on_drop=lambda event: time.sleep(60))
lose(1)
until = time.monotonic() + 30
while "drop" not in heard and time.monotonic() < until:
    time.sleep(0.01)
"""
FORKS = """
lose(2)
children = []
for number in range(3):
    child = fork()
    if child == 0:
        sys_name = f"child {number}"
        lose(10 + number)
        sys.exit(0)
    children.append(child)
lose(5)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""
# A server's worker that goes on: nobody flushes, asks for counts or ends.
WITHOUT_A_FLUSH = """
lose(2)
child = fork()
if child == 0:
    sys_name = "child"
    heard.clear()
    tracer.start_span("span").end()
    until = time.monotonic() + 30
    while len(heard) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""


def run(program: str, **variables: str) -> list[list[Any]]:
    with Sink() as sink:
        sink.inject(times=None, status=400)
        done = python(
            *("-W", "error", "-X", "faulthandler", "-c", program),
            variables={
                "PYTHONPATH": str(ROOT),
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint,
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
                **variables,
            },
        )
    assert "Traceback" not in done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def lost(told: list[list[Any]], who: str, kind: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, its_kind, reason, spans in told:
        if (name, its_kind) == (who, kind):
            sums[reason] = sums.get(reason, 0) + spans
    return sums


@pytest.mark.parametrize(
    ("program", "spans"),
    [(AT_EXIT, {"refused": 3}), (IN_THE_LAST_FLUSH, {"refused": 4}), (AFTER_SHUTDOWN, {"shutdown": 5})],
)
def test_what_was_lost_last_is_told_before_the_process_ends(program: str, spans: dict[str, int]) -> None:
    told = run(program)
    assert lost(told, "parent", "drop") == spans
    assert lost(told, "parent", "error") == {reason: count for reason, count in spans.items() if reason != "shutdown"}


def test_a_function_that_hangs_does_not_keep_the_process() -> None:
    assert lost(run(HANGS), "parent", "drop") == {"refused": 1}


@pytest.mark.parametrize("fork", ["os.fork", "by_c()"])
def test_parent_and_children_are_told_of_their_own_losses(fork: str) -> None:
    told = run(f"{BEGIN}\nfork = {fork}\n{FORKS}")
    for kind in ("error", "drop"):
        assert lost(told, "parent", kind) == {"refused": 7}
        for number in range(3):
            assert lost(told, f"child {number}", kind) == {"refused": 10 + number}


@pytest.mark.parametrize("fork", ["os.fork", "by_c()"])
def test_a_child_that_nobody_asks_is_told_too(fork: str) -> None:
    told = run(f"{BEGIN}\nfork = {fork}\n{WITHOUT_A_FLUSH}", OTEL_BSP_SCHEDULE_DELAY="100")
    assert lost(told, "child", "drop") == lost(told, "child", "error") == {"refused": 1}
