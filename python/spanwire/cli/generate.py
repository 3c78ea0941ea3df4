"""``spanwire generate``: synthetic traces of realistic shape, to an endpoint or to a file, as fast as asked for."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire.cli._destination import parse_headers, traces_url
from spanwire.cli._generate_run import Plan, Tally
from spanwire.cli._module import command
from spanwire.cli._stop import Stop

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire.cli._generate_run import Work

__all__ = ["generate"]

_LOOK_SECONDS = 0.1
_NO_NUMPY = "spanwire: this command needs numpy: pip install 'spanwire[cli,numpy]'"
_INTERRUPTED = 130


class Compressions(str, Enum):
    """How requests are compressed."""

    none = "none"
    gzip = "gzip"
    deflate = "deflate"


def generate(
    count: Annotated[
        int | None, typer.Option(min=1, help="Spans to make; without --count and --duration: until Ctrl-C.")
    ] = None,
    duration: Annotated[float | None, typer.Option(min=0.01, help="Seconds to make spans for.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Spans a second; as fast as possible without.")] = None,
    services: Annotated[int, typer.Option(min=1, max=500, help="Services, each with a resource of its own.")] = 8,
    depth: Annotated[
        int, typer.Option(min=1, max=64, help="Spans from a root to its deepest descendant, at most.")
    ] = 6,
    fan_out: Annotated[int, typer.Option(min=1, max=1000, help="Operations that a span calls, at most.")] = 3,
    error_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the traces in which something fails.")
    ] = 0.02,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, help="The same seed makes the same spans; drawn and told without."),
    ] = None,
    start_time: Annotated[
        str | None,
        typer.Option(
            help="When the first trace starts: 2026-01-31T12:00:00Z, or nanoseconds. Without: traces that end now."
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            help="URL of an OTLP/HTTP receiver. Default: what the environment says, as for the exporter; else port 4318 here."
        ),
    ] = None,
    header: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Sent with each request.")] = None,
    compression: Annotated[Compressions | None, typer.Option(help="Of requests.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM file of the CAs to trust.")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds for a request, its retries included.")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, max=16_384, help="Spans a request, about: traces stay together.")
    ] = 16_384,
    connections: Annotated[int, typer.Option(min=1, max=256, help="Requests at the same time.")] = 4,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Processes that share the work.")] = 1,
    output: Annotated[
        str | None,
        typer.Option(
            help="Write a file instead: OTLP protobuf; .json, .jsonl: OTLP/JSON, a request a line; -: stdout."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --output: replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Make synthetic traces: services, depth, fan-out, errors and latencies as in life; then tell rate, latency and losses."""
    if importlib.util.find_spec("numpy") is None:
        print(_NO_NUMPY, file=sys.stderr)
        raise typer.Exit(1)
    if output is not None and processes > 1:
        raise typer.BadParameter("a file is written by one process: leave out --processes or --output")
    if output is not None and (endpoint is not None or header):
        raise typer.BadParameter("spans go to a file or to an endpoint: leave out --output, or --endpoint and --header")
    if output is not None and Path(output).suffix in (".gz", ".zst", ".parquet"):
        raise typer.BadParameter(f"{output}: neither compressed nor Parquet here; spanwire convert makes that of a .pb")
    import secrets

    plan = Plan(
        seed=secrets.randbits(32) if seed is None else seed,
        services=services,
        depth=depth,
        fan_out=fan_out,
        error_rate=error_rate,
        batch=batch,
        count=count,
        seconds=duration,
        rate=rate,
        start_ns=None if start_time is None else _start(start_time),
        endpoint=None if endpoint is None else traces_url(endpoint),
        headers=parse_headers(header or []),
        compression=None if compression is None else compression.value,
        certificate=None if certificate is None else str(certificate),
        timeout=timeout,
        connections=connections,
        output=output,
        force=force,
    )
    from spanwire.cli import _generate_report
    from spanwire.cli._render import make_console

    console = make_console(color=color, stderr=output == "-")
    with Stop() as stop:
        try:
            tally = _run(plan, processes, stop, make_console(color=color, stderr=True))
        except (OSError, ValueError) as error:
            print(f"spanwire generate: {_reason(error)}", file=sys.stderr)
            raise typer.Exit(1) from error
    if as_json:
        print(json.dumps(_generate_report.document(plan, processes, tally, stop.asked), indent=2), file=console.file)
    else:
        _generate_report.show(console, plan, processes, tally)
    lost = sum(tally.lost.values())
    if lost:
        what = f"{lost:,} spans were lost" if tally.delivered else "nothing was delivered"
        print(f"spanwire generate: {what}: {tally.error or ', '.join(tally.lost)}", file=sys.stderr)
        raise typer.Exit(1)
    if stop.asked and (count is not None or duration is not None):
        raise typer.Exit(_INTERRUPTED)


def _start(text: str) -> int:
    from datetime import datetime, timezone

    if text.isdecimal():
        start = int(text)
    else:
        try:
            when = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise typer.BadParameter(
                f"{text!r} is no time: give 2026-01-31T12:00:00Z or nanoseconds since 1970", param_hint="--start-time"
            ) from None
        start = int((when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()) * 1_000_000_000
    if not 0 <= start < 1 << 62:
        raise typer.BadParameter(f"{text!r} is out of range: from 1970 to 2116", param_hint="--start-time")
    return start


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileExistsError):
        return f"{error.filename} exists: --force replaces it"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _run(plan: Plan, processes: int, stop: Stop, console: Console) -> Tally:
    """Do the work here, or in other processes; a bar or lines on stderr meanwhile."""
    from spanwire.cli._generate_report import Progress
    from spanwire.cli._generate_run import Work

    work = Work(plan)  # in other processes as well: this one says what is wrong with the plan
    run = _Here(work) if processes == 1 else _Elsewhere(work, processes)
    run.start()
    stopping = False
    with Progress(console, plan) as progress:
        while not run.wait(_LOOK_SECONDS):
            if stop.asked and not stopping:
                stopping = True
                run.stop()
            progress.show(run.tally())
    tally = run.tally()
    if run.error is not None:
        raise run.error
    return tally


class _Here:
    """The work in a thread of this process, so that signals find their thread waiting."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self.error: OSError | ValueError | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._work.stop.set()

    def wait(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def tally(self) -> Tally:
        if not self._work.tally.ended:
            self._work.measure()
        return self._work.tally

    def _run(self) -> None:
        try:
            self._work.run()
        except (OSError, ValueError) as error:
            self.error = error


class _Elsewhere:
    """The work in ``processes`` processes, each with its part of the stream."""

    def __init__(self, work: Work, processes: int) -> None:
        self._plan = work.plan
        work.close()
        self._processes = processes
        self._children: list[subprocess.Popen[str]] = []
        self._tallies = [Tally() for _ in range(processes)]
        self._threads: list[threading.Thread] = []
        self.error: OSError | ValueError | None = None

    def start(self) -> None:
        from spanwire.cli._generate_run import plan_line
        from spanwire.cli._synthetic._stream import BLOCK_SPANS

        # The stream is shared by blocks, of which there may be fewer than processes.
        busy = (
            self._processes if self._plan.count is None else min(self._processes, -(-self._plan.count // BLOCK_SPANS))
        )
        for number in range(self._processes):
            child = subprocess.Popen(
                command("spanwire.cli._generate_run"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # a terminal's Ctrl-C is for us alone; it ends with its stdin
            )
            assert child.stdin is not None
            self._children.append(child)
            rate = None if self._plan.rate is None else self._plan.rate / busy
            plan = replace(self._plan, process=number, processes=self._processes, rate=rate)
            child.stdin.write(plan_line(plan))
            child.stdin.flush()
            thread = threading.Thread(target=self._hear, args=(number,))
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        for child in self._children:
            assert child.stdin is not None
            child.stdin.close()

    def wait(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def tally(self) -> Tally:
        total = Tally()
        for one in self._tallies:
            total.add(one)
        return total

    def _hear(self, number: int) -> None:
        child = self._children[number]
        assert child.stdout is not None
        for line in child.stdout:
            self._tallies[number] = Tally.from_json(line)
        status = child.wait()
        if status or not self._tallies[number].ended:
            self.error = ValueError(f"process {number + 1} of {self._processes} ended with status {status}")
