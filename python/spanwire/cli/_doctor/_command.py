"""``doctor`` among the commands of typer. Its options are its own to read, since it works without typer too."""

from __future__ import annotations

import typer

from spanwire.cli.doctor import main

__all__ = ["SETTINGS", "doctor"]

SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def doctor(context: typer.Context) -> None:
    """Will spans arrive, and if not, why? Looks at the set-up, DNS, TCP, TLS and HTTP, and sends a test span."""
    raise typer.Exit(main(context.args))
