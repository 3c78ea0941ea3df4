"""``spanwire bench export --profile``: where the CPU of a span that is delivered goes, on our side.

By leaving out: spans that come to nothing, spans whose frames end in a queue, spans that arrive; each in fresh processes, in turn.
And by function, as perf samples the last of these from its sample to its end, where there is perf.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from spanwire.cli.toolkit import bar, make_console
from spanwire_bench import _delivery_child, _perf
from spanwire_bench._costs import Cost, Profile
from spanwire_bench._delivery import Lost
from spanwire_bench._measure import Figure, pinned
from spanwire_bench._mirror import file
from spanwire_bench._report import show_method
from spanwire_bench._sink_process import SinkProcess

__all__ = ["STAGES", "Profiled", "profile", "show"]

STAGES = {
    "made": "making it: program, API, tracer",
    "queued": "its frame, into the queue",
    "spanwire": "batching and sending it",
}
_ATTACHING_SECONDS = 0.5
_TOP = 20


@dataclass(frozen=True, slots=True)
class Profiled:
    """One workload, ns a span; ``costs`` is empty without perf."""

    workload: str
    stages: dict[str, Figure]
    costs: Sequence[Cost]

    @property
    def parts(self) -> dict[str, float]:
        """What each stage adds to the one before, by minima."""
        reached = 0.0
        parts = {}
        for stage, figure in self.stages.items():
            parts[stage] = figure.minimum - reached
            reached = figure.minimum
        return parts

    @property
    def by_library(self) -> dict[str, float]:
        """Sums, the dearest first."""
        return Profile(self.workload, "spanwire", "ns", self.costs).by_library()

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "workload": self.workload,
            "unit": "ns of CPU per span, all threads",
            "total": self.stages["spanwire"].minimum,
            "parts": {stage: {"what": STAGES[stage], "ns": ns} for stage, ns in self.parts.items()},
            "by_library": self.by_library,
            "by_function": [
                {"function": one.function, "library": one.where, "amount": one.amount} for one in self.costs[:_TOP]
            ],
        }


def profile(
    workload: str, *, rounds: int, seconds: float, cores: tuple[int, int] | None, progress: Callable[[int], None]
) -> Profiled:
    """All stages in each round, and one more run below perf. Raises ``_delivery.Lost``."""
    samples: dict[str, list[float]] = {stage: [] for stage in STAGES}
    with ExitStack() as opened:
        mirror = opened.enter_context(file())
        sink = opened.enter_context(SinkProcess(None if cores is None else cores[1], mirror=mirror))

        def run(stage: str, data: str | None = None) -> float:
            sink.clear()
            compression = os.environ.get("OTEL_EXPORTER_OTLP_COMPRESSION") or "none"
            arguments = (stage, workload, sink.endpoint, mirror, 0, seconds, 0, compression)
            with pinned(None if cores is None else cores[0]):
                return _run(_delivery_child.command(sys.executable, *arguments), data)

        for _ in range(rounds):
            for stage in STAGES:
                samples[stage].append(run(stage))
                progress(1)
        costs: list[Cost] = []
        if shutil.which("perf") is not None:
            data = str(pathlib.Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="spanwire-")), "perf.data"))
            run("spanwire", data)
            if pathlib.Path(data).exists():
                costs = _perf.report(data, min(samples["spanwire"]))
    return Profiled(workload, {stage: Figure.of(taken) for stage, taken in samples.items()}, costs)


def _run(command: Sequence[str], data: str | None) -> float:
    """Ns a span; below perf, if it is to write ``data``."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
        ExitStack() as opened,
    ):
        try:
            assert child.stdout is not None
            if child.stdout.readline() and data is not None:
                watching = ["perf", *_perf.recording(child.pid, data)]
                opened.enter_context(subprocess.Popen(watching, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                time.sleep(_ATTACHING_SECONDS)
            out, _ = child.communicate("go on\n")
        finally:
            child.kill()  # does nothing to one that has ended
        if child.returncode:
            errors.seek(0)
            raise Lost(errors.read().strip().rpartition("\n")[2])
    said = json.loads(out)
    return float(said["cpu_ns"] / said["spans"])


def show(results: Sequence[Profiled], method: dict[str, object], *, color: bool) -> None:
    """The parts, and below them who has the time."""
    console = make_console(color=color)
    ascii_only = console.options.ascii_only
    table = Table(title="CPU of a span, ours", title_justify="left", title_style="bold", box=None, padding=(0, 1))
    for heading in ("", "part", "ns", ""):
        table.add_column(heading, justify="right" if heading == "ns" else "left", no_wrap=True)
    for one in results:
        total = one.stages["spanwire"].minimum
        for number, (stage, ns) in enumerate(one.parts.items()):
            share = Text(bar(max(ns, 0.0), total, 20, ascii_only=ascii_only), style="green")
            table.add_row(Text("" if number else one.workload, style="bold"), STAGES[stage], f"{ns:,.0f}", share)
        table.add_row("", Text("all", style="bold"), Text(f"{total:,.0f}", style="bold"))
    console.print(table)
    for one in results:
        console.print()
        if not one.costs:
            console.print(f"{one.workload}: by function perf would say, which is not here or may not look")
            continue
        libraries = ", ".join(f"{name} {ns:,.0f}" for name, ns in one.by_library.items() if ns >= 1)
        console.print(f"[bold]{one.workload}[/], ns by library: {escape(libraries)}", soft_wrap=True)
        functions = ", ".join(f"{cost.function} ({cost.where}) {cost.amount:,.0f}" for cost in one.costs[:_TOP])
        console.print(Text(f"by function: {functions}", style="dim"), soft_wrap=True)
    console.print()
    show_method(console, method)
