"""``spanwire sink``: an OTLP receiver on a terminal that shows what an application sends."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire.cli._stop import Stop

if TYPE_CHECKING:
    from rich.console import Console
    from typing_extensions import Self

    from spanwire.sink import ReceivedRequest, ReceivedSpan, Sink

__all__ = ["Print", "sink"]

TICK_SECONDS = 0.1
QUIET_SECONDS = 1.0  # a trace of which nothing came for so long is shown
HELD_SPANS = 100_000  # in traces that wait to be complete


class Print(str, Enum):
    """What is printed."""

    TREE = "tree"
    JSON = "json"
    COUNT = "count"


def sink(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")] = 4318,
    host: Annotated[str, typer.Option(help="Name or address to listen on.")] = "127.0.0.1",
    grpc_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port for gRPC alone, besides; 4317 is the usual one.")
    ] = None,
    what: Annotated[
        Print,
        typer.Option(
            "--print",
            help="tree: each trace as a tree, each log record, data point and profile as a line. "
            "json: each request as a line of OTLP/JSON. count: a live count.",
        ),
    ] = Print.TREE,
    cert: Annotated[Path | None, typer.Option(help="PEM file of the certificate, to serve https.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
    client_ca: Annotated[Path | None, typer.Option(help="PEM file of who signs clients' certificates.")] = None,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Receive traces, logs, metrics and profiles over OTLP, by HTTP and gRPC, and show them, until Ctrl-C or SIGTERM."""
    from spanwire.cli._render import make_console
    from spanwire.sink import TLS, Sink

    if (cert is None) != (key is None) or (client_ca is not None and cert is None):
        raise typer.BadParameter("--cert and --key belong together, and --client-ca to both")
    tls = None if cert is None or key is None else TLS(cert, key, client_ca)
    receiver = Sink(host, port, grpc_port=grpc_port, tls=tls)
    with Stop() as stop:
        try:
            receiver.start()
        except (OSError, ValueError) as error:
            print(f"spanwire sink: {_reason(error)}", file=sys.stderr)
            raise typer.Exit(1) from error
        # stdout is for what was received.
        where = f"traces: {receiver.traces_endpoint}, gRPC: {receiver.grpc_endpoint}"
        print(f"listening on {receiver.http_endpoint} ({where})", file=sys.stderr, flush=True)
        show = {Print.TREE: _Trees, Print.JSON: _Json, Print.COUNT: _Count}[what]
        try:
            with show(receiver, make_console(color=color)) as printer:
                for requests in _follow(receiver, stop):
                    printer.show(requests)
        except BrokenPipeError as error:
            # Whoever read our output is gone; the interpreter must not try to flush it once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from error
        finally:
            receiver.close()
    print(f"{_counted(receiver)} in {receiver.request_count:,} requests", file=sys.stderr)


def _counted(receiver: Sink) -> str:
    """Spans, and what else came."""
    others = ((receiver.log_count, "log records"), (receiver.point_count, "data points"))
    counts = [(receiver.span_count, "spans"), *others, (receiver.profile_count, "profiles")]
    return ", ".join(f"{count:,} {what}" for count, what in counts if count or what == "spans")


def _reason(error: OSError | ValueError) -> str:
    import errno

    if not isinstance(error, OSError):
        return str(error)
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    hint = "; --port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
    return f"{error.strerror or error}{hint}"


def _follow(receiver: Sink, stop: Stop) -> Iterator[list[ReceivedRequest]]:
    """What came, at least once a tick; when asked to stop, the sink is closed and the rest comes."""
    seen = 0
    stopped = False
    while not stopped:
        stopped = stop.asked
        if stopped:
            receiver.close()
        else:
            with contextlib.suppress(TimeoutError):
                receiver.wait_for_requests(seen + 1, TICK_SECONDS)
        requests, total = receiver.requests_since(seen)
        if missed := total - seen - len(requests):
            print(f"spanwire sink: {missed:,} requests came faster than they were printed", file=sys.stderr)
        seen = total
        yield requests


class _Printer:
    """Shows requests; a context manager, so that what is held back is shown at the end."""

    def __init__(self, receiver: Sink, console: Console) -> None:
        self.receiver = receiver
        self.console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()

    def show(self, requests: list[ReceivedRequest]) -> None:
        """Called with what came since, at least once a tick."""
        raise NotImplementedError

    def finish(self) -> None:
        """Called when nothing more will come."""


class _Json(_Printer):
    """A request a line, as the Collector's file exporter writes them."""

    def show(self, requests: list[ReceivedRequest]) -> None:
        from spanwire._native import request_to_json

        out = sys.stdout.buffer
        for request in requests:
            out.write(request_to_json(request.signal, request.body) + b"\n")
        out.flush()


class _Trees(_Printer):
    """All but spans as lines, at once. Traces as trees, each when nothing of it came for a moment: one trace often comes in several requests."""

    def __init__(self, receiver: Sink, console: Console) -> None:
        super().__init__(receiver, console)
        self._held: dict[str, tuple[float, list[ReceivedSpan]]] = {}  # in order of what came last
        self._spans = 0

    def show(self, requests: list[ReceivedRequest]) -> None:
        from spanwire.cli._sink_lines import lines

        now = time.monotonic()
        for request in requests:
            for line in lines(request):
                self.console.print(line, markup=False, highlight=False, soft_wrap=True)
            for span in request.spans():
                trace_id = span.trace_id
                _, spans = self._held.pop(trace_id, (now, []))
                spans.append(span)
                self._held[trace_id] = (now, spans)
                self._spans += 1
        self.console.file.flush()
        while self._held:
            trace_id, (last, spans) = next(iter(self._held.items()))
            if now - last < QUIET_SECONDS and self._spans <= HELD_SPANS:
                break
            self._print(trace_id)

    def finish(self) -> None:
        while self._held:
            self._print(next(iter(self._held)))

    def _print(self, trace_id: str) -> None:
        from spanwire.cli._render import TraceView
        from spanwire.sink._trees import build_traces

        _, spans = self._held.pop(trace_id)
        self._spans -= len(spans)
        for trace in build_traces(spans):
            is_whole = not self.console.is_terminal
            self.console.print(TraceView(trace, is_whole=is_whole), crop=not is_whole)
            self.console.print()
        self.console.file.flush()


class _Count(_Printer):
    """One live line on a terminal, elsewhere a line a second while something comes."""

    def __init__(self, receiver: Sink, console: Console) -> None:
        super().__init__(receiver, console)
        self._shown = ""
        self._when = time.monotonic()
        self._spans = 0
        self._bytes = 0

    def show(self, requests: list[ReceivedRequest]) -> None:
        self._bytes += sum(request.wire_size for request in requests)
        now = time.monotonic()
        elapsed = now - self._when
        live = self.console.is_terminal
        if elapsed < (TICK_SECONDS if live else 1.0):
            return
        spans = self.receiver.span_count
        rate = (spans - self._spans) / elapsed
        line = self._line(f", {rate:,.0f} spans/s" if live else "")
        if live:
            # The rest of the line is erased, since it may have been longer.
            self.console.file.write(f"\r{line}\x1b[K")
        elif line != self._shown:
            self.console.file.write(f"{line}\n")
        self.console.file.flush()
        self._shown, self._when, self._spans = line, now, spans

    def finish(self) -> None:
        end = "\r\x1b[K" if self.console.is_terminal else ""
        line = self._line("")
        self.console.file.write(f"{end}{line}\n" if end or line != self._shown else "")
        self.console.file.flush()

    def _line(self, rate: str) -> str:
        requests = self.receiver.request_count
        return f"{_counted(self.receiver)}, {requests:,} requests, {self._bytes:,} bytes{rate}"
