"""Received spans put together as trees."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spanwire._native import ReceivedSpan

__all__ = ["Trace", "TraceNode", "build_traces"]


@dataclass(frozen=True, slots=True, eq=False)
class TraceNode:
    """A span and the spans below it, in order of their start."""

    span: ReceivedSpan
    children: "list[TraceNode]" = field(default_factory=list)

    def walk(self) -> "Iterator[TraceNode]":
        """This node and all below it, parents first."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The spans of one trace. ``str(trace)`` draws it as text.

    A root is a span without a parent or whose parent was not received. A span that came twice, as after a retry, is
    there twice; its children are below its first copy.
    """

    trace_id: str
    roots: list[TraceNode]

    @property
    def spans(self) -> list[ReceivedSpan]:
        """All spans of the trace, parents first."""
        return [node.span for root in self.roots for node in root.walk()]

    def __str__(self) -> str:
        lines = [f"trace {self.trace_id}"]
        # (node, what stands before its line, what stands before the lines below it)
        stack = [(root, "", "") for root in reversed(self.roots)]
        while stack:
            node, lead, below = stack.pop()
            lines.append(lead + _describe(node.span))
            last = len(node.children) - 1
            for index in range(last, -1, -1):
                fork, down = ("└─ ", "   ") if index == last else ("├─ ", "│  ")
                stack.append((node.children[index], below + fork, below + down))
        return "\n".join(lines)


def build_traces(spans: Iterable[ReceivedSpan]) -> list[Trace]:
    """Trees of ``spans``, in the order in which their traces came first."""
    by_trace: dict[str, list[tuple[str, str | None, TraceNode]]] = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append((span.span_id, span.parent_span_id, TraceNode(span)))
    return [Trace(trace_id, _link(members)) for trace_id, members in by_trace.items()]


def _link(members: list[tuple[str, str | None, TraceNode]]) -> list[TraceNode]:
    members.sort(key=lambda member: member[2].span.start_time)
    first: dict[str, TraceNode] = {}
    for span_id, _, node in members:
        first.setdefault(span_id, node)
    roots = []
    above: dict[int, TraceNode] = {}
    for span_id, parent_id, node in members:
        parent = None if parent_id is None or parent_id == span_id else first.get(parent_id)
        if parent is None:
            roots.append(node)
        else:
            parent.children.append(node)
            above[id(node)] = parent
    # Spans that are each other's ancestors hang below no root: cut such a ring at its earliest span.
    reached = {id(node) for root in roots for node in root.walk()}
    for _, _, node in members:
        if id(node) not in reached:
            above[id(node)].children.remove(node)
            roots.append(node)
            reached.update(id(below) for below in node.walk())
    return roots


def _describe(span: ReceivedSpan) -> str:
    kind = getattr(span.kind, "name", None)
    status = span.status
    code = getattr(status.code, "name", None)
    parts = [_printable(span.name)]
    if kind not in (None, "INTERNAL"):
        parts.append(kind.lower())
    parts.append(_duration(span.end_time - span.start_time))
    if code == "ERROR":
        parts.append(f"ERROR {_printable(status.message)}".rstrip())
    return "  ".join(parts)


def _duration(nanoseconds: int) -> str:
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1000)):
        if abs(nanoseconds) >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds} ns"


def _printable(text: str) -> str:
    # What came over the network must not steer the terminal.
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
