"""How ``spanwire bench`` reads its own options: ``--json`` alone prints, ``--json PATH`` writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from typer.core import TyperGroup

__all__ = ["BenchGroup", "with_dash"]

_OPTION = "--json"


class BenchGroup(TyperGroup):
    """The group of ``spanwire bench``, whose ``--json`` may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # click's context, which newer typers have a copy of
        """As typed, but for that."""
        flags = [one for one in self.get_params(ctx) if getattr(one, "is_flag", False)]
        return super().parse_args(
            ctx, with_dash(args, {name for one in flags for name in (*one.opts, *one.secondary_opts)})
        )


def with_dash(arguments: Sequence[str], flags: Collection[str]) -> list[str]:
    """The same arguments with ``-`` after a ``--json`` that is the last, or before another option; a command's own stays as it is.

    :param flags: options that take no value, so that what follows is one of the next option's or a command.
    """
    found: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        found.append(argument)
        if not argument.startswith("-"):
            break  # a command
        if argument == _OPTION and (not rest or (rest[0].startswith("-") and rest[0] != "-")):
            found.append("-")
        elif "=" not in argument and argument not in flags and rest:
            found.append(rest.pop(0))
    return found + rest
