"""The ``spanwire`` command. Needs the extra ``cli`` (rich, typer), but for ``doctor``; one file per command, named as the command.

Other distributions add commands by entry points of the group ``spanwire.commands`` (``_plugins``, ``toolkit``).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

from spanwire.cli import _plugins

if TYPE_CHECKING:
    import typer

__all__ = ["main"]

INSTALL_HINT = "spanwire: this command needs rich and typer: pip install 'spanwire[cli]'"
COMMANDS = (
    "convert",
    "decode",
    "demo",
    "generate",
    "recover",
    "replay",
    "sink",
    "top",
)  # module and function have the command's name


def main() -> None:
    """Run the command line; where a package is missing, say in one line what to install and exit with status 1."""
    if sorted(sys.argv[1:]) == ["--verbose", "--version"]:
        from spanwire.cli import _version

        raise SystemExit(_version.show())
    if sys.argv[1:2] == ["doctor"]:  # for those who have trouble: without the extra
        from spanwire.cli import doctor

        raise SystemExit(doctor.main(sys.argv[2:]))
    if hint := _plugins.hint(sys.argv[1:2]):
        print(hint, file=sys.stderr)
        raise SystemExit(1)
    missing = [name for name in ("rich", "typer") if importlib.util.find_spec(name) is None]
    if missing:
        print(INSTALL_HINT, file=sys.stderr)
        raise SystemExit(1)
    make_app(plugins=sys.argv[1:2] not in [[name] for name in COMMANDS])(prog_name="spanwire")


def make_app(*, plugins: bool = True) -> typer.Typer:
    """The application with every command.

    :param plugins: with those of other distributions; False where a command of our own is asked for, which saves loading them.
    """
    import typer

    app = typer.Typer(
        name="spanwire",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def options(
        version: bool = typer.Option(
            False,
            "--version",
            help="Print the version and exit; with --verbose what is installed and whether it works.",
            callback=_print_version,
            is_eager=True,
        ),
        verbose: bool = typer.Option(False, "--verbose", help="With --version."),
    ) -> None:
        """OpenTelemetry tracing for Python at a small fraction of the CPU."""

    for name in COMMANDS:
        app.command(name)(getattr(importlib.import_module(f"spanwire.cli.{name}"), name))
    doctor = importlib.import_module("spanwire.cli._doctor._command")
    app.command("doctor", context_settings=doctor.SETTINGS)(doctor.doctor)
    if plugins:
        _plugins.add(app, reserved={*COMMANDS, "doctor"})
    return app


def _print_version(asked: bool) -> None:
    if asked:
        import typer

        from spanwire import __version__

        print(f"spanwire {__version__}")
        raise typer.Exit
