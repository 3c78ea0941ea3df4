"""What the benchmarks print: one JSON shape, and tables with bars and a verdict for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer
from rich.table import Table
from rich.text import Text

from spanwire.cli.toolkit import bar, duration, make_console
from spanwire_bench._measure import Comparison, environment

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire_bench._allocations import Allocations
    from spanwire_bench._exporting import Result as Exported
    from spanwire_bench._profile import Part
    from spanwire_bench.encode import Result as Encoded
    from spanwire_bench.imports import Result as Imported

__all__ = [
    "compared",
    "document",
    "fail",
    "progress",
    "show_allocations",
    "show_encode",
    "show_export",
    "show_import",
    "show_method",
    "show_profile",
    "times",
    "workload_names",
]

SCHEMA = 1
_BAR_CELLS = 14


def document(command: str, method: Mapping[str, object], results: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """The JSON of every benchmark: ``command``, ``schema``, ``environment``, ``method`` and a list of ``results``."""
    return {
        "command": command,
        "schema": SCHEMA,
        "environment": environment(),
        "method": dict(method),
        "results": list(results),
    }


def fail(message: str) -> NoReturn:
    """One line to stderr and exit status 1."""
    print(message, file=sys.stderr)
    raise typer.Exit(1)


def workload_names(asked: Sequence[str] | None) -> list[str]:
    """The workloads to run, in the order asked for; unknown names end the command with the list of known ones."""
    from spanwire_bench._workloads import NAMES

    names = [name.upper() for name in asked] if asked else list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        fail(f"spanwire bench: no workload {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return names


@contextmanager
def progress(what: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's stderr; elsewhere nothing. Yields a function that is told of finished steps."""
    if not shown or not sys.stderr.isatty():
        yield lambda steps: None
        return
    from rich.progress import Progress

    with Progress(console=make_console(stderr=True), transient=True, refresh_per_second=4) as live:
        task = live.add_task(what, total=total)
        yield lambda steps: live.advance(task, steps)


def compared(title: str, rows: Sequence[tuple[str, str, Comparison]], console: Console) -> Table:
    """A table of (name, remark, comparison): both sides' minimum and median, a bar each, and the ratios."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1), pad_edge=False)
    for heading in ("", "", "minimum", "median", "", "ratio", "of\nmedians"):
        table.add_column(heading, justify="right" if heading else "left", vertical="bottom", no_wrap=True)
    ascii_only = console.options.ascii_only
    for name, remark, both in rows:
        largest = both.official.minimum
        for side, figure, style in (("official", both.official, "dim"), ("spanwire", both.spanwire, "green")):
            ours = side == "spanwire"
            table.add_row(
                Text(remark, style="dim") if ours else Text(name, style="bold"),
                Text(side, style="bold green" if ours else ""),
                duration(figure.minimum),
                duration(figure.median),
                Text(bar(figure.minimum, largest, _BAR_CELLS, ascii_only=ascii_only), style=style),
                Text(times(both.ratio_of_minima, ascii_only), style="bold green") if ours else "",
                times(both.ratio_of_medians, ascii_only) if ours else "",
            )
    return table


def times(ratio: float, ascii_only: bool = False) -> str:
    """``103×``."""
    return f"{ratio:.{0 if ratio >= 99.5 else 1}f}" + ("x" if ascii_only else "×")


def show_encode(results: Sequence[Encoded], method: Mapping[str, object], *, color: bool) -> None:
    """The table of ``bench encode``."""
    console = make_console(color=color)
    words = {"fresh": "never read before", "again": "the same again"}
    rows = [(one.workload, words[one.state], one.times) for one in results]
    console.print(compared("CPU a span to encode", rows, console))
    console.print()
    for one in results:
        if one.state == "fresh":
            console.print(
                f"{one.workload}: the official encoder takes [bold]{times(one.times.ratio_of_minima)}[/] the CPU of spanwire; "
                f"same {one.bytes_a_span:.0f} bytes a span",
                soft_wrap=True,
            )
    show_method(console, method)


def show_export(results: Sequence[Exported], method: Mapping[str, object], *, color: bool) -> None:
    """The tables of ``bench export --exporter-only``."""
    console = make_console(color=color)
    console.print(
        compared("CPU a span to deliver, all threads", [(one.workload, "", one.cpu) for one in results], console)
    )
    console.print()
    held = [(one.workload, "CPU of the caller", one.caller) for one in results]
    held += [(one.workload, "missed by another", one.gil) for one in results if one.gil is not None]
    console.print(compared("GIL held a span, at most", held, console))
    console.print()
    for one in results:
        console.print(
            f"{one.workload}: the official exporter takes [bold]{times(one.cpu.ratio_of_minima)}[/] the CPU of spanwire; "
            f"each delivered {one.delivered:,} of {one.delivered:,} spans; on the wire it takes {one.bytes_a_span[0]:,.1f} bytes a span, "
            f"spanwire {one.bytes_a_span[1]:,.1f}",
            soft_wrap=True,
        )
    show_method(console, method)


def show_import(result: Imported, method: Mapping[str, object], *, color: bool) -> None:
    """The table of ``bench import``."""
    console = make_console(color=color)
    rows = [
        ("import", "whole process", result.whole),
        ("import", "beyond bare Python", result.added),
        ("with the class", "whole process", result.with_class),
        ("with the class", "beyond bare Python", result.added_with_class),
    ]
    console.print(compared("CPU to import the exporter", rows, console))
    console.print()
    console.print(
        f"The bare interpreter takes {duration(result.bare.median)}; the SDK's export module, which every exporter needs, "
        f"adds {duration(result.sdk.median - result.bare.median)} (medians).",
        soft_wrap=True,
    )
    show_method(console, method)


def show_allocations(counted: Sequence[Allocations], batch: int, *, as_json: bool, color: bool) -> None:
    """The table of ``bench encode --allocations``."""
    method = {"batch": batch, "counted_by": "glibc mtrace, PYTHONMALLOC=malloc", "spans": "never read before"}
    if as_json:
        rows = [one.as_json() for one in counted]
        print(json.dumps(document("bench encode --allocations", method, rows), indent=2))
        return
    console = make_console(color=color)
    table = Table(title="Memory allocations while encoding", title_justify="left", title_style="bold", box=None)
    for heading in ("", "", "a span", "reallocs a span", f"a call of {batch}", f"a call of {2 * batch}"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in counted:
        ours = one.side == "spanwire"
        table.add_row(
            Text(one.workload, style="bold"),
            Text(one.side, style="bold green" if ours else ""),
            Text(f"{one.per_span:.3f}", style="bold green" if ours else ""),
            f"{one.reallocs_per_span:.3f}",
            f"{one.single.mallocs}",
            f"{one.double.mallocs}",
        )
    console.print(table)
    show_method(console, method)


def show_profile(parts: Sequence[Part], method: Mapping[str, object], as_json: bool, *, color: bool) -> None:
    """The table of ``bench encode --profile``: minima, spanwire alone."""
    if as_json:
        print(json.dumps(document("bench encode --profile", method, [one.as_json() for one in parts]), indent=2))
        return
    console = make_console(color=color)
    table = Table(title="What a span costs spanwire to encode", title_justify="left", title_style="bold", box=None)
    for heading in ("", "part", "has", "ns", ""):
        table.add_column(heading, justify="right" if heading in {"has", "ns"} else "left", no_wrap=True)
    whole = parts[0].ns
    for one in parts:
        first = one.name == parts[0].name
        whole = one.ns if first else whole
        table.add_row(
            Text(one.workload if first else "", style="bold"),
            Text(one.name, style="bold" if first else ""),
            "" if one.count is None else f"{one.count:.2f}",
            f"{one.ns:.0f}",
            Text(bar(one.ns, whole, _BAR_CELLS, ascii_only=console.options.ascii_only), style="green"),
        )
    console.print(table)
    show_method(console, method)


def show_method(console: Console, method: Mapping[str, object]) -> None:
    """How it was measured, dim, below the table."""
    facts = ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in method.items())
    where = environment()
    console.print(Text(f"{facts}. Python {where['python']}, {where['cpu']}, {where['cores']} cores.", style="dim"))
