"""What ``spanwire top`` draws: rates between two looks, within 80 columns, whatever destinations are called."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from spanwire.cli._top._processes import Account, Durable, Process
from spanwire.cli._top._view import Rates, View, rates


def account(**counts: Any) -> Account:
    numbers = dict.fromkeys(("accepted", "exported", "queued", "requests", "retries", "bytes", "connections"), 0)
    named: dict[str, Any] = {
        "signal": "traces",
        "destination": "http://backend/v1/traces",
        "dropped": {},
        "last_error": None,
    }
    return Account(**{**numbers, **named, **counts})


def process(time: float, *accounts: Account, since: float = 100.0, service: str = "shop") -> Process:
    return Process(7, "app.py", service, since, time, accounts, {})


def drawn(view: View, *, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="spanwire.plain")
    Console(file=file, width=80, force_terminal=False).print(view)
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


def test_rates_are_what_was_added_by_the_time_between() -> None:
    before = process(110.0, account(accepted=100, exported=90, bytes=5_000, dropped={"refused": 1}))
    now = process(112.0, account(accepted=300, exported=190, bytes=9_000, dropped={"refused": 1, "timeout": 10}))
    assert rates(before, now) == {("traces", "http://backend/v1/traces"): Rates(100.0, 50.0, 2_000.0, 5.0)}


def test_breakers_that_are_not_closed_are_shown() -> None:
    one = account(breakers={"http://backend/v1/traces": "open"})
    several = account(destination="a, b", breakers={"http://b/": "half_open", "http://a/": "closed"})
    lines = drawn(View([(process(1.0, one, several, account(breakers={"http://c/": "closed"})), {})]))
    assert [line for line in lines if "breaker" in line] == ["  breaker: open", "  breaker of http://b/: half_open"]


@pytest.mark.parametrize(
    "before",
    [None, process(112.0, account()), process(113.0, account()), process(110.0, account(), since=99.0), process(110.0)],
)
def test_there_are_no_rates_of_what_is_new(before: Process | None) -> None:
    assert rates(before, process(112.0, account(accepted=5))) == {}


def test_counts_reasons_and_the_last_error_are_shown() -> None:
    said = account(
        accepted=1_000_000,
        queued=12,
        retries=3,
        dropped={"refused": 2, "timeout": 40, "stage": 0},
        last_error="status 401: no",
    )
    now = process(230.0, said, account(signal="logs", destination="http://b/"))
    its_rates = {("traces", said.destination): Rates(1234.4, 1000.0, 2_500_000.0, 7.0)}
    assert drawn(View([(now, its_rates)], [("/run/x/shop.9", "timed out")])) == [
        "7 shop  serves since 2 min",
        "  http://backend/v1/traces",
        "   accepted/s exported/s   queued  dropped retries    KB/s        total",
        "        1,234      1,000       12       42       3   2,500    1,000,000",
        "  dropped (+7/s): timeout 40, refused 2",
        "  last error: status 401: no",
        "  http://b/ (logs)",
        "   accepted/s exported/s   queued  dropped retries    KB/s        total",
        "            -          -        0        0       0       -            0",
        "/run/x/shop.9: timed out",
    ]
    assert drawn(View([(process(101.0, service=""), {})])) == ["7 app.py  serves since 1 s", "  nothing has been sent"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_cannot_steer_the_terminal_or_break_lines(encoding: str) -> None:
    evil = "\x1b[2J\n\x9b" + "é" * 200
    said = account(destination=evil, dropped={evil: 1}, last_error=evil)
    lines = drawn(View([(process(101.0, said, service=evil), {})], [(evil, evil)]), encoding=encoding)
    assert len(lines) == 7
    assert all(len(line) <= 80 and (line.isprintable() or not line) for line in lines)


def test_files_in_which_spans_wait_are_shown_with_what_is_wrong() -> None:
    good = Durable("/var/spans/00ff", "shop", 33_000_000, 1_073_741_824, 0, None, None, {}, None)
    recovered = {"folders": 1, "spans": 1_200, "damaged": 0, "files": 2}
    bad = replace(
        good,
        folder="/m\nnt",
        failures=3,
        not_mapped="nfs",
        last_error="No space",
        recovered=recovered,
        recovery_error="rights",
    )
    lines = drawn(View([(replace(process(1.0), durable=(good, bad)), {})]))
    assert lines[2:] == [
        "  durable /var/spans/00ff: 33 of 1,074 MB",
        "  durable /m nt: 33 of 1,074 MB, 3 failures, not mapped: nfs",
        "  recovered of ended processes: spans 1,200, files 2",
        "  recovery: rights",
        "  disk: No space",
    ]
