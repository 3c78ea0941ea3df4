"""``spanwire bench import``: what importing each exporter costs, in fresh processes, interleaved.

Each round starts interpreters that do nothing, import the official HTTP exporter's module, import ours, and import our
class, which needs the SDK that our module alone leaves for later. Given are the CPU time of the whole process and what
goes beyond the bare interpreter. Byte code is compiled before the first round.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from spanwire_bench._measure import OFFICIAL_HINT, Comparison, Figure, cores, pinned

__all__ = ["Result", "import_", "measure"]

OFFICIAL = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
OURS = "spanwire.exporter.http"
SDK = "opentelemetry.sdk.trace.export"  # what any exporter needs, to tell it from what is the exporter's own


@dataclass(frozen=True, slots=True)
class Result:
    """CPU in ns: bare interpreter, the SDK's export module alone, whole processes, what goes beyond the bare one."""

    bare: Figure
    sdk: Figure
    whole: Comparison
    added: Comparison
    with_class: Comparison
    added_with_class: Comparison

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "unit": "ns of process CPU time",
            "official_module": OFFICIAL,
            "spanwire_module": OURS,
            "bare_interpreter_median": self.bare.median,
            "sdk_median": self.sdk.median - self.bare.median,
            "whole_process": self.whole.as_json(),
            "added_by_import": self.added.as_json(),
            "whole_process_with_class": self.with_class.as_json(),
            "added_by_import_with_class": self.added_with_class.as_json(),
        }


class ImportFailed(Exception):
    """A module could not be imported; the text is the interpreter's last line."""


def measure(rounds: int, progress: Callable[[int], None] = lambda steps: None) -> Result:
    """Import both ``rounds`` times. Raises ImportFailed."""
    programs = ["pass", f"import {SDK}", f"import {OFFICIAL}", f"import {OURS}", f"from {OURS} import OTLPSpanExporter"]
    samples: list[list[float]] = [[] for _ in programs]
    for program in programs:
        _run(program)  # compiles byte code, warms the page cache
    for number in range(rounds):
        for which in range(len(programs)):
            place = (which + number) % len(programs)
            samples[place].append(_run(programs[place]))
        progress(1)
    bare, sdk, official, module, with_class = samples
    return Result(
        Figure.of(bare),
        Figure.of(sdk),
        whole=Comparison(Figure.of(official), Figure.of(module)),
        added=Comparison(_beyond(official, bare), _beyond(module, bare)),
        with_class=Comparison(Figure.of(official), Figure.of(with_class)),
        added_with_class=Comparison(_beyond(official, bare), _beyond(with_class, bare)),
    )


def _beyond(samples: list[float], bare: list[float]) -> Figure:
    """Minimum beyond minimum, median beyond median, and each sample beyond the bare interpreter's median."""
    median = statistics.median(bare)
    return Figure(
        min(samples) - min(bare),
        statistics.median(samples) - median,
        max(samples) - max(bare),
        tuple(sample - median for sample in samples),
    )


def _run(program: str) -> float:
    """CPU in ns of an interpreter that runs ``program``; raises ImportFailed."""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr is not None
    with child.stderr as stream:
        errors = stream.read().decode(errors="replace").strip()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
    if child.returncode:
        raise ImportFailed(f"{program}: {errors.splitlines()[-1] if errors else child.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e9


def import_(
    rounds: Annotated[int, typer.Option(min=1, help="Interpreters started for each side.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """CPU to import the exporter, in fresh processes: the official one against spanwire's."""
    from spanwire_bench import _report

    try:
        importlib.import_module(OFFICIAL)
    except ImportError:
        _report.fail(OFFICIAL_HINT)
    core = cores()[-1] if cores() else None
    try:
        with pinned(core), _report.progress("importing", rounds, shown=not as_json) as step:
            result = measure(rounds, step)
    except ImportFailed as error:
        _report.fail(f"spanwire bench: {error}")
    method = {"rounds": rounds, "clock": "user and system time of fresh processes", "pinned_to_core": core}
    if as_json:
        print(json.dumps(_report.document("bench import", method, [result.as_json()]), indent=2))
    else:
        _report.show_import(result, method, color=color)
