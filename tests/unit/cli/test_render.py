"""Traces as people see them."""

import io
import os
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from rich.console import Console

from spanwire._native import decode_spans
from spanwire.cli._render import TraceView, bar, duration
from spanwire.sink._trees import build_traces
from tests.official import official_bytes
from tests.spans import span

MS = 1_000_000
START = 1_764_000_000_000_000_000
TRACE_ID = 0x0102030405060708090A0B0C0D0E0F10


def at(number: int, parent: int | None, begin: float, end: float, **fields: Any) -> ReadableSpan:
    """Span ``number`` of one trace, from ``begin`` to ``end`` in milliseconds."""
    ids = [
        None if one is None else SpanContext(TRACE_ID, one, is_remote=False, trace_flags=TraceFlags(1))
        for one in (number, parent)
    ]
    times = {"start_time": START + int(begin * MS), "end_time": START + int(end * MS)}
    return span(context=ids[0], parent=ids[1], **{"attributes": {}, **times, **fields})


def draw(spans: list[ReadableSpan], *, width: int = 80, encoding: str = "utf-8", **view: Any) -> str:
    """The first trace of ``spans``, after a journey over the wire."""
    (trace,) = build_traces(decode_spans(official_bytes(spans)))
    buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="\n")
    Console(file=buffer, width=width, highlight=False).print(TraceView(trace, **view))
    buffer.seek(0)
    return buffer.read()


ORDER = [
    at(1, None, 0, 20, name="POST /orders", attributes={"http.route": "/orders"}),
    at(2, 1, 1, 6, name="SELECT", kind=SpanKind.CLIENT, events=[Event("row", {"n": 1}, START + 2 * MS)]),
    at(
        3,
        1,
        10,
        19,
        name="charge",
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, "Declined: over\nthe limit"),
        links=[Link(SpanContext(TRACE_ID, 7, is_remote=False), {"why": "retry"})],
    ),
    at(4, 3, 10, 11, name="POST", kind=SpanKind.CLIENT),
]


def test_a_trace_is_drawn_as_a_tree_with_bars_and_details() -> None:
    assert draw(ORDER, width=72) == (
        "trace 0102030405060708090a0b0c0d0e0f10  4 spans, 20.0 ms, 1 failed\n"
        "POST /orders server                   ━━━━━━━━━━━━━━━━━━━━━━━━   20.0 ms\n"
        "│  http.route=/orders \n"
        "├─ SELECT client                       ━━━━━━━                   5.00 ms\n"
        "│     ● row +1.00 ms n=1 \n"
        "└─ ✗ charge internal                              ━━━━━━━━━━━    9.00 ms\n"
        "   │  Declined: over the limit\n"
        "   │  ↗ link to 01020304/0000000000000007 why=retry \n"
        "   └─ POST client                                 ━━             1.00 ms\n"
    )


def test_without_details_there_is_one_line_a_span() -> None:
    assert len(draw(ORDER, details=False).splitlines()) == 1 + len(ORDER)


def test_ascii_terminals_get_ascii() -> None:
    text = draw(ORDER, encoding="ascii")
    assert text.isascii() and "?" not in text.replace("?s", "")
    assert "`- x charge internal" in text


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = at(9, 1, 0, 1, name="宽" * 100, attributes={"key" * 30: "値" * 200})
    lines = draw([*ORDER, wide], width=width).splitlines()
    assert max(sum(2 if ord(char) > 0x2FFF else 1 for char in line) for line in lines) <= width
    assert len(lines) == len(draw(ORDER, width=width).splitlines()) + 2


def test_what_came_over_the_network_does_not_steer_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\r\n"
    text = draw(
        [
            at(
                1,
                None,
                0,
                1,
                name=evil,
                attributes={f"k{evil}": evil},
                events=[Event(evil, {evil: evil}, START)],
                status=Status(StatusCode.ERROR, evil),
            )
        ]
    )
    assert not any(char in text for char in "\x1b\x07\r")


def test_a_chain_of_thousands_of_spans_is_drawn() -> None:
    chain = [at(n, n - 1 if n > 1 else None, n / 1000, 10) for n in range(1, 2001)]
    assert len(draw(chain, details=False).splitlines()) == 2001


@pytest.mark.parametrize(
    "nanoseconds, text",
    [
        (0, "0 ns"),
        (7, "7 ns"),
        (7.25, "7.25 ns"),
        (999.4, "999 ns"),
        (999.7, "1.00 µs"),
        (12_345, "12.3 µs"),
        (99_960, "100 µs"),
        (1e6, "1.00 ms"),
        (12.3e9, "12.3 s"),
        (-2_000_000, "-2.00 ms"),
    ],
)
def test_durations_have_three_digits_and_a_unit(nanoseconds: float, text: str) -> None:
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    "value, text", [(0, ""), (0.001, "▏"), (0.5, "████"), (0.55, "████▍"), (1, "█" * 8), (2, "█" * 8)]
)
def test_bars_are_as_long_as_their_values(value: float, text: str) -> None:
    assert bar(value, 1, 8) == text
    assert len(bar(value, 1, 8, ascii_only=True)) in {len(text), len(text) - 1}


def test_colours_are_only_for_terminals_and_not_with_no_color() -> None:
    program = "from spanwire.cli._render import make_console; make_console().print('[red]x[/]')"
    assert _output(program, FORCE_COLOR="1") == "\x1b[31mx\x1b[0m\n"
    assert _output(program, FORCE_COLOR="1", NO_COLOR="1") == "x\n"
    assert _output(program) == "x\n"
    without = program.replace("make_console()", "make_console(color=False)")
    assert _output(without, FORCE_COLOR="1") == "x\n"


def test_names_that_the_terminal_cannot_show_do_not_end_the_program() -> None:
    program = "from spanwire.cli._render import make_console; make_console().print('Dürnten 3 µs 5×')"
    assert _output(program, PYTHONIOENCODING="ascii") == "D?rnten 3 us 5x\n"


def _output(program: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**clean, **environment}, capture_output=True, check=True, timeout=60
    )
    return done.stdout.decode()
