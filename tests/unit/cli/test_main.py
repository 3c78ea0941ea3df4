"""The command as a whole: its extra, its version, its commands."""

import pytest
from typer.testing import CliRunner

from spanwire import __version__
from spanwire.cli import make_app
from tests.processes import Ended, python


def run(*arguments: str) -> Ended:
    return python(*arguments, status=None)


@pytest.mark.parametrize("missing", ["rich", "typer"])
@pytest.mark.parametrize("command", ["demo", "bench encode", "--version", ""])
def test_without_the_extra_one_line_says_what_to_install(missing: str, command: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from spanwire.cli import main; main()"
    done = run("-c", program, *command.split())
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and "pip install 'spanwire[cli]'" in done.stderr


def test_the_version_is_printed() -> None:
    done = run("-m", "spanwire", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"spanwire {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [["demo"], ["top"], *(["bench", name] for name in ("encode", "export", "import", "trace"))]
)
def test_every_command_explains_itself(arguments: list[str]) -> None:
    done = run("-m", "spanwire", *arguments, "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout and "Usage: spanwire " in done.stdout


@pytest.mark.parametrize(
    "command", ["convert", "decode", "demo", "doctor", "generate", "recover", "replay", "sink", "top"]
)
def test_no_help_text_is_cut_in_80_columns(command: str) -> None:
    done = CliRunner().invoke(make_app(), [command, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert done.exit_code == 0
    assert "…" not in done.output


def test_unknown_commands_are_refused() -> None:
    done = run("-m", "spanwire", "fly")
    assert done.returncode == 2
    assert "fly" in done.stderr
