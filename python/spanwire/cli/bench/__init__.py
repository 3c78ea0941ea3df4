"""``spanwire bench``: what spanwire costs, beside the official exporter, in one interleaved run."""

from __future__ import annotations

from typing import Annotated

import typer

from spanwire.cli import _surroundings
from spanwire.cli.bench._info import show
from spanwire.cli.bench.columns import columns
from spanwire.cli.bench.encode import encode
from spanwire.cli.bench.export import export
from spanwire.cli.bench.imports import import_
from spanwire.cli.bench.latency import latency
from spanwire.cli.bench.memory import memory
from spanwire.cli.bench.threads import threads
from spanwire.cli.bench.trace import trace
from spanwire.cli.bench.web import web

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.callback()
def quiet(
    *,
    info: Annotated[
        bool,
        typer.Option("--info", help="Say which instruction set the native kernels use.", callback=show, is_eager=True),
    ] = False,
) -> None:
    """Measure spanwire beside the official exporter."""
    del info  # shown already
    _surroundings.forget()


app.command("columns")(columns)
app.command("encode")(encode)
app.command("export")(export)
app.command("import")(import_)
app.command("latency")(latency)
app.command("memory")(memory)
app.command("threads")(threads)
app.command("trace")(trace)
app.command("web")(web)
