"""Commands of other distributions: entry points of the group ``spanwire.commands``, each named as its command."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    import typer

__all__ = ["GROUP", "add", "hint"]

GROUP = "spanwire.commands"
BENCH_HINT = (
    "spanwire: the command bench needs spanwire-bench: pip install spanwire-bench "
    "(in a checkout: pip install ./benches/spanwire_bench)"
)
_HINTS = {"bench": BENCH_HINT}  # of commands that a distribution of this repository adds


def hint(arguments: Sequence[str]) -> str | None:
    """What to install for the command that ``arguments`` begin with; None if it is ours, installed or unknown."""
    command = next(iter(arguments), "")
    if command not in _HINTS or any(point.name == command for point in _installed()):
        return None
    return _HINTS[command]


def add(app: typer.Typer, *, reserved: Collection[str]) -> None:
    """Add every such command. One that cannot be imported is reported on stderr and left out; a ``reserved`` name is skipped."""
    import typer

    for point in _installed():
        if point.name in reserved:
            continue
        try:
            command = point.load()
        except Exception as error:  # another distribution's import may raise anything
            print(f"spanwire: cannot load the command {point.name} ({point.value}): {error!r}", file=sys.stderr)
            continue
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=point.name)
        else:
            app.command(point.name)(command)


def _installed() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=GROUP)}  # a name once, whoever else has it
    return [found[name] for name in sorted(found)]
