"""Processes of our commands: modules come from where Python has them, whatever lies in the folder that a command is run in."""

import subprocess
from pathlib import Path

import pytest

from spanwire.cli import _module


@pytest.mark.parametrize("name", ["json", "runpy", "argparse"])
def test_a_file_in_the_working_folder_is_not_taken_for_a_module(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.py").write_text("open('was-run', 'w')", encoding="utf-8")
    done = subprocess.run(
        _module.command("json.tool", "--compact"),
        cwd=tmp_path,
        input="[1, 2]",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[1,2]\n"
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("name", ["_measure/_run.py", "generate.py"])
def test_commands_start_their_processes_so(name: str) -> None:
    text = (Path(_module.__file__).parent / name).read_text(encoding="utf-8")
    assert '"-m"' not in text
    assert "command(" in text
