"""What the commands draw: received traces as trees with times, comparisons as tables with bars.

Everything fits into 80 columns and degrades to ASCII on terminals that cannot show more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions
from rich.text import Text

__all__ = ["Event", "Node", "TraceView", "bar", "duration", "make_console"]

_KIND_STYLES = {"server": "cyan", "client": "magenta", "producer": "yellow", "consumer": "yellow", "internal": "blue"}
_BAR_CELLS = 24
_DURATION_CELLS = 9
_MAX_WIDTH = 140


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a span: its name, when it happened after the span's start (ns), its attributes."""

    name: str
    offset_ns: int
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """One span of a drawn trace. ``error`` is None unless the status is an error; then it may still be empty."""

    name: str
    kind: str
    start_ns: int
    end_ns: int
    error: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    events: Sequence[Event] = ()
    links: int = 0
    children: Sequence[Node] = ()

    def walk(self) -> Iterator[Node]:
        """This node and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class TraceView:
    """A trace as an indented tree with a bar for each span's place in time. ``details`` shows attributes and events."""

    title: str
    roots: Sequence[Node]
    details: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        nodes = [node for root in self.roots for node in root.walk()]
        if not nodes:
            return
        canvas = _Canvas(
            width=min(options.max_width, _MAX_WIDTH),
            ascii_only=options.ascii_only,
            first_ns=min(node.start_ns for node in nodes),
            last_ns=max(node.end_ns for node in nodes),
        )
        errors = sum(node.error is not None for node in nodes)
        span_count = f"{len(nodes)} span{'s' * (len(nodes) > 1)}"
        heading = Text.assemble((self.title, "bold"), f"  {span_count}, {duration(canvas.last_ns - canvas.first_ns)}")
        if errors:
            heading.append(f", {errors} with errors" if errors > 1 else ", 1 with an error", style="bold red")
        yield canvas.fit(heading)
        for root in self.roots:
            yield from self._lines(canvas, root, "", "")

    def _lines(self, canvas: _Canvas, node: Node, lead: str, below: str) -> Iterator[Text]:
        """``lead`` stands before the span's own line, ``below`` before every line that belongs under it."""
        guides = canvas.guides
        yield canvas.span_line(node, lead)
        under = below + (guides.down if node.children else guides.blank)
        if self.details:
            yield from canvas.detail_lines(node, under)
        for child in node.children:
            last = child is node.children[-1]
            yield from self._lines(
                canvas,
                child,
                below + (guides.last if last else guides.fork),
                below + (guides.blank if last else guides.down),
            )


@dataclass(frozen=True, slots=True)
class _Guides:
    fork: str
    last: str
    down: str
    blank: str = "   "


@dataclass(frozen=True, slots=True)
class _Canvas:
    width: int
    ascii_only: bool
    first_ns: int
    last_ns: int

    @property
    def guides(self) -> _Guides:
        return _Guides("+- ", "`- ", "|  ") if self.ascii_only else _Guides("├─ ", "└─ ", "│  ")

    def fit(self, line: Text, width: int | None = None) -> Text:
        line.no_wrap = True
        line.truncate(width or self.width, overflow="crop" if self.ascii_only else "ellipsis")
        return line

    def span_line(self, node: Node, lead: str) -> Text:
        failed = node.error is not None
        name = Text.assemble((lead, "dim"))
        if failed:
            name.append("x " if self.ascii_only else "✗ ", style="bold red")
        name.append(_one_line(node.name), style="bold red" if failed else "bold")
        name.append(f" {node.kind}", style=_KIND_STYLES.get(node.kind, "blue"))
        room = self.width - _BAR_CELLS - _DURATION_CELLS - 2
        self.fit(name, room)
        name.pad_right(max(0, room - name.cell_len) + 1)
        name.append(self._time_bar(node), style="red" if failed else _KIND_STYLES.get(node.kind, "blue"))
        name.append(f" {duration(node.end_ns - node.start_ns):>{_DURATION_CELLS}}")
        return self.fit(name)

    def detail_lines(self, node: Node, under: str) -> Iterator[Text]:
        if node.error:
            yield self.fit(Text.assemble((under, "dim"), (_one_line(node.error), "red")))
        if node.attributes:
            yield self.fit(Text.assemble((under, "dim"), *_pairs(node.attributes)))
        mark = "* " if self.ascii_only else "● "
        for event in node.events:
            style = "red" if event.name == "exception" else "green"
            yield self.fit(
                Text.assemble(
                    (under, "dim"),
                    (mark + _one_line(event.name), style),
                    f" +{duration(event.offset_ns)} ",
                    *_pairs(event.attributes),
                )
            )
        if node.links:
            arrow = "-> " if self.ascii_only else "↗ "
            yield self.fit(
                Text.assemble((under, "dim"), (f"{arrow}{node.links} link{'s' * (node.links > 1)}", "yellow"))
            )

    def _time_bar(self, node: Node) -> str:
        whole = max(1, self.last_ns - self.first_ns)
        begin = min(_BAR_CELLS - 1, (node.start_ns - self.first_ns) * _BAR_CELLS // whole)
        end = min(_BAR_CELLS, -(-(node.end_ns - self.first_ns) * _BAR_CELLS // whole))
        cells = max(1, end - begin)
        return (" " * begin + ("=" if self.ascii_only else "━") * cells).ljust(_BAR_CELLS)


def make_console(*, color: bool = True, stderr: bool = False) -> Console:
    """A console that obeys NO_COLOR and ``--no-color`` and never guesses at highlights."""
    return Console(no_color=None if color else True, stderr=stderr, highlight=False)


def duration(ns: float) -> str:
    """Nanoseconds as people read them: three digits and a unit."""
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


def _pairs(attributes: Mapping[str, object]) -> Iterable[str | tuple[str, str]]:
    for key, value in attributes.items():
        if key == "exception.stacktrace":
            continue  # pages of it; the message is enough here
        yield (f"{_one_line(key)}=", "dim")
        yield f"{_one_line(str(value))} "


def _one_line(text: str) -> str:
    """What came over the network must not steer the terminal: one line, printable characters only."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))
