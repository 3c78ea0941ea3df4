"""Where spans get their times from: the system's clock, counted on in between where the machine allows it."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import spanwire
from spanwire.trace import TracerProvider

SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
# A counted time may be off by the error of the rate over a millisecond, and by what its last look at the clock was.
SLACK_NS = 50_000


def clock_of(value: str | None) -> subprocess.CompletedProcess[str]:
    """What a fresh process with this SPANWIRE_CLOCK says that it has."""
    environment = {name: text for name, text in os.environ.items() if name != "SPANWIRE_CLOCK"}
    if value is not None:
        environment["SPANWIRE_CLOCK"] = value
    program = "import spanwire; from spanwire.trace import TracerProvider; TracerProvider(); print(spanwire.stats()['trace']['clock'])"
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("value", [None, "", "auto", " AUTO "])
def test_it_counts_only_where_the_kernels_clock_does(value: str | None) -> None:
    done = clock_of(value)
    source = SOURCE.read_text(encoding="ascii").strip() if SOURCE.exists() else None
    # The kernel's names of what CPUID says of the counter: that it is steady.
    steady = source == "tsc" and "nonstop_tsc" in Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    assert done.stdout.strip() == ("counter" if steady else "system"), done.stderr


def test_it_can_be_switched_off() -> None:
    assert clock_of("system").stdout.strip() == "system"


def test_another_value_is_a_clear_error() -> None:
    done = clock_of("fast")
    assert done.returncode == 1
    assert done.stderr.strip().endswith('ValueError: SPANWIRE_CLOCK is "fast": say auto or system')


@pytest.mark.parametrize("value", ["auto", "system"])
def test_times_are_between_two_looks_at_the_clock(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANWIRE_CLOCK", value)
    tracer: Any = TracerProvider(shutdown_on_exit=False).get_tracer("clock")
    off, until, number = [], time.monotonic() + 0.5, 0
    while time.monotonic() < until:
        number += 1
        before = time.time_ns()
        with tracer.start_as_current_span("outer") as outer, tracer.start_as_current_span("inner") as inner:
            inner.add_event("event")
        after = time.time_ns()
        times = [
            before - SLACK_NS,
            outer.start_time,
            inner.start_time,
            inner.events[0].timestamp,
            inner.end_time,
            outer.end_time,
            after + SLACK_NS,
        ]
        if times != sorted(times):
            off.append([one - before for one in times])
    # Whoever sets this machine's clock meanwhile makes a few of them differ.
    assert len(off) <= number // 100, (number, off[:3])


def test_times_given_are_taken_as_they_are() -> None:
    tracer: Any = TracerProvider(shutdown_on_exit=False).get_tracer("clock")
    span = tracer.start_span("span", start_time=5)
    span.add_event("event", timestamp=6)
    span.end(end_time=7)
    assert (span.start_time, span.events[0].timestamp, span.end_time) == (5, 6, 7)


def test_a_time_that_was_given_in_the_future_holds_none_back() -> None:
    tracer: Any = TracerProvider(shutdown_on_exit=False).get_tracer("clock")
    tracer.start_span("future", start_time=2**63).end(2**63 + 1)
    assert tracer.start_span("now").start_time < 2**62


def test_the_stats_say_which() -> None:
    assert spanwire.stats()["trace"]["clock"] in {"counter", "system"}
