"""What the commands draw: received traces as trees with times, comparisons as tables with bars.

Everything fits into 80 columns and degrades to ASCII on terminals that cannot show more.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions
from rich.text import Text

if TYPE_CHECKING:
    from spanwire._native import ReceivedSpan
    from spanwire.sink._trees import Trace

__all__ = ["TraceView", "bar", "duration", "failed", "make_console", "one_line"]

_KIND_STYLES = {"server": "cyan", "client": "magenta", "producer": "yellow", "consumer": "yellow", "internal": "blue"}
_BAR_CELLS = 24
_DURATION_CELLS = 9
_MAX_WIDTH = 140
_PLAIN = {"µ": "u", "×": "x"}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What a terminal cannot show: our own signs as letters, anything else as a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(char, "?") for char in error.object[error.start : error.end]), error.end


codecs.register_error("spanwire.plain", _plain)


@dataclass(frozen=True, slots=True)
class TraceView:
    """A received trace as an indented tree with a bar for each span's place in time.

    :param details: also show attributes, events, links and what went wrong.
    :param is_whole: cut no line: for files. Print it with ``crop=False``.
    """

    trace: Trace
    details: bool = True
    is_whole: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Line by line, without recursion: depth and width are whatever came over the network."""
        spans = self.trace.spans
        if not spans:
            return
        canvas = _Canvas(
            width=min(options.max_width, _MAX_WIDTH),
            is_whole=self.is_whole,
            ascii_only=options.ascii_only,
            first_ns=min(span.start_time for span in spans),
            last_ns=max(span.end_time for span in spans),
        )
        yield canvas.heading(self.trace.trace_id, spans)
        guides = canvas.guides
        # (node, what stands before its own line, what stands before every line below it)
        stack = [(root, "", "") for root in reversed(self.trace.roots)]
        while stack:
            node, lead, below = stack.pop()
            yield canvas.span_line(node.span, lead)
            if self.details:
                yield from canvas.detail_lines(node.span, below + (guides.down if node.children else guides.blank))
            for child in reversed(node.children):
                if child is node.children[-1]:
                    stack.append((child, below + guides.last, below + guides.blank))
                else:
                    stack.append((child, below + guides.fork, below + guides.down))


@dataclass(frozen=True, slots=True)
class _Guides:
    fork: str
    last: str
    down: str
    blank: str = "   "


@dataclass(frozen=True, slots=True)
class _Canvas:
    width: int
    is_whole: bool
    ascii_only: bool
    first_ns: int
    last_ns: int

    @property
    def guides(self) -> _Guides:
        return _Guides("+- ", "`- ", "|  ") if self.ascii_only else _Guides("├─ ", "└─ ", "│  ")

    def fit(self, line: Text, width: int | None = None) -> Text:
        line.no_wrap = True
        if self.is_whole:
            line.overflow = "ignore"
        else:
            line.truncate(width or self.width, overflow="crop" if self.ascii_only else "ellipsis")
        return line

    def heading(self, trace_id: str, spans: Sequence[ReceivedSpan]) -> Text:
        errors = sum(map(failed, spans))
        line = Text.assemble(
            ("trace ", "dim"),
            (trace_id, "bold"),
            f"  {len(spans)} span{'s' * (len(spans) > 1)}, {duration(self.last_ns - self.first_ns)}",
        )
        if errors:
            line.append(f", {errors} failed", style="bold red")
        return self.fit(line)

    def span_line(self, span: ReceivedSpan, lead: str) -> Text:
        error = failed(span)
        kind = _word(span.kind)
        name = Text.assemble((lead, "dim"))
        if error:
            name.append("x " if self.ascii_only else "✗ ", style="bold red")
        name.append(one_line(span.name), style="bold red" if error else "bold")
        name.append(f" {kind}", style=_KIND_STYLES.get(kind, "blue"))
        room = self.width - _BAR_CELLS - _DURATION_CELLS - 2
        self.fit(name, room)
        name.pad_right(max(0, room - name.cell_len) + 1)
        name.append(self._time_bar(span), style="red" if error else _KIND_STYLES.get(kind, "blue"))
        name.append(f" {duration(span.end_time - span.start_time):>{_DURATION_CELLS}}")
        return self.fit(name)

    def detail_lines(self, span: ReceivedSpan, under: str) -> Iterator[Text]:
        lead = (under, "dim")
        if failed(span) and span.status.message:
            yield self.fit(Text.assemble(lead, (one_line(span.status.message), "red")))
        if span.attributes:
            yield self.fit(Text.assemble(lead, *_pairs(span.attributes)))
        mark = "* " if self.ascii_only else "● "
        for event in span.events:
            style = "red" if event.name == "exception" else "green"
            after = f" +{duration(event.timestamp - span.start_time)} "
            yield self.fit(Text.assemble(lead, (mark + one_line(event.name), style), after, *_pairs(event.attributes)))
        arrow = "-> " if self.ascii_only else "↗ "
        for link in span.links:
            target = (f"{arrow}link to {link.trace_id[:8]}/{link.span_id} ", "yellow")
            yield self.fit(Text.assemble(lead, target, *_pairs(link.attributes)))

    def _time_bar(self, span: ReceivedSpan) -> str:
        whole = max(1, self.last_ns - self.first_ns)
        begin = min(_BAR_CELLS - 1, (span.start_time - self.first_ns) * _BAR_CELLS // whole)
        end = min(_BAR_CELLS, -(-(span.end_time - self.first_ns) * _BAR_CELLS // whole))
        cells = max(1, end - begin)
        return (" " * begin + ("=" if self.ascii_only else "━") * cells).ljust(_BAR_CELLS)


def make_console(*, color: bool = True, stderr: bool = False) -> Console:
    """A console that obeys NO_COLOR and ``--no-color`` and never guesses at highlights."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="spanwire.plain")  # a received name must not end the program on an ASCII terminal
    return Console(no_color=None if color else True, stderr=stderr, highlight=False)


def duration(ns: float) -> str:
    """Nanoseconds as people read them: three digits and a unit."""
    if isinstance(ns, int) and abs(ns) < 1000:
        return f"{ns} ns"
    for limit, divisor, unit in ((1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms")):
        if abs(ns) < limit * 0.9995:
            return f"{_three_digits(ns / divisor)} {unit}"
    return f"{_three_digits(ns / 1e9)} s"


def bar(value: float, largest: float, cells: int, *, ascii_only: bool = False) -> str:
    """A horizontal bar of at most ``cells`` cells for a value from 0 to ``largest``; never quite invisible."""
    if largest <= 0 or value <= 0:
        return ""
    eighths = max(1, min(cells * 8, round(value / largest * cells * 8)))
    if ascii_only:
        return "#" * max(1, eighths // 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[rest]


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def failed(span: ReceivedSpan) -> bool:
    """Whether the span's status is an error."""
    return _word(span.status.code) == "error"


def _word(code: object) -> str:
    """A kind or status code as a word; numbers that OTLP does not know stay numbers."""
    return str(getattr(code, "name", code)).lower()


def _pairs(attributes: Mapping[str, object]) -> Iterable[str | tuple[str, str]]:
    for key, value in attributes.items():
        if key == "exception.stacktrace":
            continue  # pages of it; the message is enough here
        yield (f"{one_line(key)}=", "dim")
        yield f"{one_line(str(value))} "


def one_line(text: str) -> str:
    """What came over the network must not steer the terminal: one line, printable characters only."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))
