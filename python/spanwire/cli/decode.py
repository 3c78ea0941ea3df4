"""``spanwire decode``: what is in a file of spans: as trees, as OTLP/JSON, a line a span, or counted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire.cli._file_options import FormatOption, InputArgument, LimitOption, fail, failing, opened

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire._files.span_file import SpanFile
    from spanwire._native import ReceivedSpan

__all__ = ["decode"]

HELD_SPANS = 100_000  # in traces that may go on


def decode(
    file: InputArgument,
    kind: FormatOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="OTLP/JSON, one document; with --stats: the counts.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="A line of JSON a span, attributes as an object.")] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Counts: spans, services, names, sizes, keys.")] = False,
    top: Annotated[int, typer.Option(min=1, help="With --stats: rows of a table.")] = 20,
    details: Annotated[bool, typer.Option(help="In trees: attributes, events and links.")] = True,
    limit: LimitOption = None,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Show a file of spans: OTLP protobuf, JSON or Parquet, gzip or zstd, guessed by its content.

    Of a broken file all is shown that is whole in front of the break; then one line says where and what it is, with status 1.
    """
    from spanwire._files.new_file import standard_output
    from spanwire._files.span_file import BrokenFileError
    from spanwire.cli._render import make_console

    if lines and (as_json or stats):
        raise typer.BadParameter("--lines goes with neither --json nor --stats")
    with failing("decode"), opened(file, kind, limit) as source:
        standard_output()  # or it is told that there is none
        requests = _Requests(source)
        if stats:
            from spanwire.cli._file_stats import show_stats

            show_stats(source, requests, make_console(color=color), as_json=as_json, top=top)
        elif as_json:
            _write_json(requests)
        elif lines:
            _write_lines(requests)
        else:
            _print_trees(requests, make_console(color=color), details=details)
        sys.stdout.flush()
        broken: BrokenFileError | None = requests.broken
        if not requests.spans and broken is None:
            # Such as metrics or logs, whose JSON has no field of ours.
            print(f"spanwire decode: no spans in {source.name}", file=sys.stderr)
    if broken is not None:
        fail("decode", f"{source.name}: {broken}")


class _Requests:
    """The requests of a file up to its end or its break, which is kept for later."""

    def __init__(self, source: SpanFile) -> None:
        self._source = source
        from spanwire._files.span_file import BrokenFileError

        self._error = BrokenFileError
        self.broken: BrokenFileError | None = None
        self.spans = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            for request, spans in self._source:
                self.spans += spans
                yield request
        except self._error as error:
            self.broken = error


def _write_json(requests: _Requests) -> None:
    from spanwire._native import FileWriter

    out = sys.stdout.buffer
    writer = FileWriter(out.write, format="json")
    for request in requests:
        writer.write(request)
    writer.finish()
    out.flush()


def _write_lines(requests: _Requests) -> None:
    from spanwire._native import decode_spans
    from spanwire.cli._span_lines import span_line

    out = sys.stdout.buffer
    for request in requests:
        for span in decode_spans(request):
            out.write(span_line(span))
        out.flush()


def _print_trees(requests: _Requests, console: Console, *, details: bool) -> None:
    """Traces in the order of their first span. Where there is too much to hold, the oldest are shown before all of it is known."""
    from spanwire._native import decode_spans

    held: dict[str, list[ReceivedSpan]] = {}
    count = 0
    for request in requests:
        for span in decode_spans(request):
            held.setdefault(span.trace_id, []).append(span)
            count += 1
        while count > HELD_SPANS:
            spans = held.pop(next(iter(held)))
            count -= len(spans)
            _print_trace(spans, console, details=details)
    for spans in held.values():
        _print_trace(spans, console, details=details)


def _print_trace(spans: list[ReceivedSpan], console: Console, *, details: bool) -> None:
    from spanwire.cli._render import TraceView
    from spanwire.sink._trees import build_traces

    for trace in build_traces(spans):
        is_whole = not console.is_terminal
        console.print(TraceView(trace, details=details, is_whole=is_whole), crop=not is_whole)
        console.print()
