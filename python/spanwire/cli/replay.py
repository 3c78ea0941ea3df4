"""``spanwire replay``: recorded spans sent again, with their own timing or faster."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spanwire.cli._destination import EndpointOption, ProtocolOption, destination_client
from spanwire.cli._file_options import FormatOption, InputArgument, LimitOption, PartialOption, fail, failing, opened
from spanwire.cli._latencies import Latencies
from spanwire.cli._stop import Stop

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire._native import HttpClient, ReplayPlan

__all__ = ["replay"]

REQUEST_BYTES = 4 << 20  # of spans, at most
TICK_SECONDS = 0.05  # how long a stop can go unseen
GRACE_SECONDS = 5.0  # for requests under way when asked to stop


def replay(
    file: InputArgument,
    endpoint: EndpointOption = None,
    protocol: ProtocolOption = None,
    speed: Annotated[str, typer.Option(help="How many times as fast as recorded, or max: as fast as possible.")] = "1",
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Send the recorded times. Default: traces begin when they are sent.")
    ] = False,
    new_ids: Annotated[
        bool,
        typer.Option(
            "--new-ids", help="New trace and span ids, so that a backend takes spans of a second replay for others."
        ),
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Spans of a request, at most.")] = 512,
    window: Annotated[
        float, typer.Option(min=0.0, help="Seconds from the first to the last span of a request, at most.")
    ] = 0.1,
    connections: Annotated[int, typer.Option(min=1, max=256, help="Requests at the same time.")] = 4,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, sent with each request; may be repeated.")
    ] = None,
    compression: Annotated[str | None, typer.Option(help="none, gzip, zstd or deflate.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds for a request, retries included.")] = None,
    kind: FormatOption = None,
    partial: PartialOption = False,
    limit: LimitOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Send recorded spans to a backend, in the order and with the distances of their starts.

    The file is read as a whole first. Ctrl-C ends it with a report of what was sent. Status 0: everything was delivered.
    """
    from spanwire._native import ReplayPlan
    from spanwire.cli._render import make_console

    client = destination_client(endpoint, header or [], compression, timeout, protocol)
    plan = ReplayPlan(
        speed=_speed(speed),
        begin=None if keep_times else time.time_ns(),
        new_ids=new_ids,
        spans=batch,
        bytes=REQUEST_BYTES,
        window=window,
    )
    console = make_console(color=color, stderr=True)
    with failing("replay"):
        broken = _read(plan, file, kind, limit, partial=partial, color=color)
        spans, traces, seconds = plan.size()
        if not as_json:
            print(
                f"{spans:,} spans in {traces:,} traces over {seconds:,.3f} s, to {client.destination}", file=sys.stderr
            )
        with Stop() as stop:
            run = _Run(client, plan, spans, connections, timed=_speed(speed) is not None)
            with _progress(run, console, shown=not as_json):
                run.run(stop)
    if as_json:
        print(json.dumps(run.document(), indent=2))
    else:
        run.report(make_console(color=color))
    if broken is not None:
        fail("replay", broken)
    if stop.asked:
        raise typer.Exit(130)
    if run.lost:
        raise typer.Exit(1)


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter(f"--speed is a number above 0, or max, not {text!r}")
    return speed


def _read(plan: ReplayPlan, file: str, kind: Any, limit: int | None, *, partial: bool, color: bool) -> str | None:
    """Fill the plan; what is wrong with the file, if its whole part is to be sent."""
    from spanwire._files.span_file import BrokenFileError
    from spanwire.cli._file_options import progress

    with opened(file, kind, limit) as source, progress(source, "reading", color=color) as tell:
        try:
            for request, _ in source:
                plan.add(request)
                tell()
        except BrokenFileError as error:
            text = f"{source.name}: {error}"
            if not partial:
                fail("replay", f"{text}; nothing was sent (--partial sends what is in front of it)")
            return text
    return None


@dataclass
class _Run:
    """Sending a plan by several threads, each with one request at a time, and what became of it."""

    client: HttpClient
    plan: ReplayPlan
    spans: int
    connections: int
    timed: bool  # requests have moments, which they can miss
    delivered: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    latencies: Latencies = field(default_factory=Latencies)
    retries: int = 0
    last_error: str | None = None
    seconds: float = 0.0
    behind: float = 0.0
    _begin: float = 0.0
    _ending: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, stop: Stop) -> None:
        """Send everything, or until asked to stop; then no request is under way."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.connections)]
        self._begin = time.monotonic()
        self.plan.begin_at(time.time_ns())
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(TICK_SECONDS)
                if stop.asked and not self._ending.is_set():
                    self._ending.set()
                    # Back-offs end at once; what is under way has a moment.
                    self.client.shutdown(GRACE_SECONDS)
        self.seconds = time.monotonic() - self._begin
        self.client.shutdown(0.0)

    def _work(self) -> None:
        """Take the next request, wait until it is due, send it; one of several threads."""
        while not self._ending.is_set():
            with self._lock:
                job = self.plan.next_request()
            if job is None:
                return
            request, spans, due = job
            left = self._begin + due - time.monotonic()
            if left > 0 and self._ending.wait(min(left, threading.TIMEOUT_MAX)):
                return
            self.behind = max(self.behind, -left)
            begin = time.perf_counter()
            outcome = self.client.export_encoded(request, spans)
            took = time.perf_counter() - begin
            with self._lock:
                self.requests += 1
                self.retries += outcome.retries
                self.latencies.add(took)
                if outcome.lost is None:
                    self.delivered += spans - outcome.rejected
                    self._lose("rejected", outcome.rejected)
                else:
                    self._lose(outcome.lost, spans)
                self.last_error = outcome.message or self.last_error

    def _lose(self, reason: str, spans: int) -> None:
        if spans:
            self.lost[reason] = self.lost.get(reason, 0) + spans

    @property
    def done(self) -> int:
        """Spans of which it is known what became of them."""
        return self.delivered + sum(self.lost.values())

    def document(self) -> dict[str, object]:
        """All figures; times in seconds."""
        percents = {"p50": 50, "p90": 90, "p99": 99, "max": 100}
        account: Mapping[str, Any] = _account(self.client.destination)
        return {
            "command": "replay",
            "schema": 1,
            "endpoint": self.client.destination,
            "spans": self.spans,
            "delivered": self.delivered,
            "dropped": dict(self.lost),
            "not_sent": self.spans - self.done,
            "requests": self.requests,
            "retries": self.retries,
            "bytes": account.get("bytes", 0),
            "connections": account.get("connections", 0),
            "seconds": self.seconds,
            "spans_per_second": self.delivered / self.seconds if self.seconds else 0.0,
            "seconds_behind": self.behind if self.timed else None,
            "latency": {
                name: self.latencies.percentile(percent) if self.requests else None
                for name, percent in percents.items()
            },
            "last_error": self.last_error,
        }

    def report(self, console: Console) -> None:
        """What became of the spans, for people."""
        from rich.text import Text

        from spanwire.cli._render import duration

        figures: Any = self.document()
        lost = sum(self.lost.values())
        why = ", ".join(f"{reason} {count:,}" for reason, count in self.lost.items())
        first = Text.assemble(
            (f"{self.delivered:,} of {self.spans:,} spans delivered", "bold red" if lost else "bold green"),
            (f"; {lost:,} dropped: {why}" if lost else "; nothing dropped"),
            (f"; {figures['not_sent']:,} not sent" if figures["not_sent"] else ""),
        )
        rate = f"{figures['spans_per_second']:,.0f} spans/s"
        console.print(first, soft_wrap=True)
        console.print(
            f"{self.requests:,} requests, {figures['retries']:,} retries, {figures['bytes']:,} bytes, "
            f"{self.seconds:.2f} s: {rate}",
            soft_wrap=True,
        )
        if self.requests:
            shown = "  ".join(f"{name} {duration(value * 1e9)}" for name, value in figures["latency"].items())
            console.print(f"a request's answer  {shown}", soft_wrap=True)
        if self.timed and self.behind > 1.0:
            console.print(
                f"up to {self.behind:.1f} s later than due: the backend is too slow for this speed", soft_wrap=True
            )
        if lost and self.last_error:
            console.print(Text(f"last error: {self.last_error}"), soft_wrap=True)


def _account(destination: str) -> Mapping[str, Any]:
    from spanwire._native import export_stats

    return export_stats().get(destination, {})


@contextmanager
def _progress(run: _Run, console: Console, *, shown: bool) -> Iterator[None]:
    """A bar on a terminal."""
    if not shown or not console.is_terminal:
        yield
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as live:
        task = live.add_task("replaying", total=run.spans)
        done = threading.Event()

        def tell() -> None:
            while not done.wait(0.1):
                live.update(task, completed=run.done)

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            done.set()
            teller.join()
