"""The ``spanwire`` command. Needs the extra ``cli`` (rich, typer), but for ``doctor``; one file per command, named as the command."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

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
GROUPS = ("bench",)  # the module has `app`


def main() -> None:
    """Run the command line; without the extra, say in one line what to install and exit with status 1."""
    if sorted(sys.argv[1:]) == ["--verbose", "--version"]:
        from spanwire.cli import _version

        raise SystemExit(_version.show())
    if sys.argv[1:2] == ["doctor"]:  # for those who have trouble: without the extra
        from spanwire.cli import doctor

        raise SystemExit(doctor.main(sys.argv[2:]))
    missing = [name for name in ("rich", "typer") if importlib.util.find_spec(name) is None]
    if missing:
        print(INSTALL_HINT, file=sys.stderr)
        raise SystemExit(1)
    make_app()(prog_name="spanwire")


def make_app() -> typer.Typer:
    """The application with every command."""
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
    for name in GROUPS:
        app.add_typer(importlib.import_module(f"spanwire.cli.{name}").app, name=name)
    doctor = importlib.import_module("spanwire.cli._doctor._command")
    app.command("doctor", context_settings=doctor.SETTINGS)(doctor.doctor)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        import typer

        from spanwire import __version__

        print(f"spanwire {__version__}")
        raise typer.Exit
