"""``spanwire bench``: what spanwire costs, beside the official exporter and others, in interleaved runs.

Without a command it is the suite (``suite``): every scenario once. The commands look at one question each, in more detail.
"""

from __future__ import annotations

from typing import Annotated

import typer

from spanwire.cli.toolkit import forget_environment
from spanwire_bench._group import BenchGroup
from spanwire_bench._info import show
from spanwire_bench.columns import columns
from spanwire_bench.encode import encode
from spanwire_bench.export import MOST_BATCH, export
from spanwire_bench.imports import import_
from spanwire_bench.latency import latency
from spanwire_bench.memory import memory
from spanwire_bench.threads import threads
from spanwire_bench.trace import trace
from spanwire_bench.web import web

__all__ = ["app"]

_MOST_ROUNDS = 1_000

app = typer.Typer(invoke_without_command=True, cls=BenchGroup)


@app.callback()
def suite(
    context: typer.Context,
    *,
    info: Annotated[
        bool,
        typer.Option("--info", help="Say which instruction set the native kernels use.", callback=show, is_eager=True),
    ] = False,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A scenario, or what several begin with; may be repeated. See --list. [default: all]"
        ),
    ] = None,
    side: Annotated[
        list[str] | None,
        typer.Option(
            "--side",
            "--sides",
            metavar="NAME,...",
            help="Who is measured; may be repeated. [default: sdk,exporter,spanwire]",
        ),
    ] = None,
    peers: Annotated[
        bool,
        typer.Option(
            "--peers",
            help="The peers in Python, Rust, Go and Java too, as far as they are built (make bench-peers), all with --batch "
            "512; without --scenario: export/W5 and export/W10.",
        ),
    ] = False,
    peer_python: Annotated[
        str | None,
        typer.Option(help="A Python that has spanwire, fastotel and ddtrace. [default: this, or make bench-peers's]"),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=0, max=_MOST_ROUNDS, help="Rounds, each with every side; 0: each scenario's own.")
    ] = 0,
    scale: Annotated[
        float, typer.Option(min=0.001, max=1000, help="How much longer, or shorter, each sample is than usual.")
    ] = 1.0,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_BATCH, help="Spans a request, of every side that can be told. [default: each side's own]"
        ),
    ] = None,
    as_json: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="[PATH]", help="Write JSON; without a path (or with -): print it, nothing else."
        ),
    ] = None,
    html: Annotated[str | None, typer.Option(metavar="PATH", help="Write a report, one HTML file.")] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="OLD.json", help="Say what changed since a run that --json wrote.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Measure spanwire beside the official exporter and others.

    Without a command: the whole suite, each scenario in interleaved rounds.

    It shows a table with bars and what can be said; writes JSON and an HTML report; compares with an earlier run.

    Ctrl-C ends it with what is finished. The commands are for details.
    """
    del info  # shown already
    forget_environment()
    if context.invoked_subcommand is not None:
        typed = [name for name in context.params if _is_typed(context, name)]
        if typed:
            raise typer.BadParameter(f"options of the whole suite stand without a command: {', '.join(typed)}")
        return
    from spanwire_bench.suite import _command

    asked = _command.Asked(
        scenarios=scenario or (),
        sides=side or (),
        peers=peers,
        peer_python=peer_python,
        rounds=rounds,
        scale=scale,
        batch=batch,
        json=as_json,
        html=html,
        compare=compare,
        color=color,
        quiet=quiet,
    )
    if listed:
        _command.list_scenarios(asked)
    else:
        _command.run_suite(asked)


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


app.command("columns")(columns)
app.command("encode")(encode)
app.command("export")(export)
app.command("import")(import_)
app.command("latency")(latency)
app.command("memory")(memory)
app.command("threads")(threads)
app.command("trace")(trace)
app.command("web")(web)
