"""Commands of other distributions: found by their entry points, loaded where one of ours is not asked for."""

from pathlib import Path

import pytest

from tests.processes import Ended, python

ABSENT = """
import importlib.metadata as metadata, sys
every = metadata.entry_points
metadata.entry_points = lambda **wanted: () if wanted.get("group") == "spanwire.commands" else every(**wanted)
from spanwire.cli import main; main()
"""


def run(*arguments: str, path: Path | None = None) -> Ended:
    return python(*arguments, status=None, variables={} if path is None else {"PYTHONPATH": str(path)})


def test_without_the_benchmarks_one_line_says_what_to_install() -> None:
    done = run("-c", ABSENT, "bench", "--list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "pip install spanwire-bench" in done.stderr


def test_without_the_benchmarks_other_commands_work_and_it_is_not_listed() -> None:
    assert run("-c", ABSENT, "decode", "--help").returncode == 0
    done = run("-c", ABSENT, "--help")
    assert done.returncode == 0 and "bench" not in done.stdout and "decode" in done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a distribution lies that adds commands."""
    folder = tmp_path / "theirs-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text(
        "[spanwire.commands]\nhello = theirs:hello\nbroken = theirs:absent\ndecode = theirs:hello\n", encoding="utf-8"
    )
    (tmp_path / "theirs.py").write_text(
        'def hello(name: str) -> None:\n    """Greet."""\n    print(f"hello {name}")\n', encoding="utf-8"
    )
    return tmp_path


def test_a_function_of_another_distribution_is_a_command(place: Path) -> None:
    done = run("-m", "spanwire", "hello", "world", path=place)
    assert (done.returncode, done.stdout) == (0, "hello world\n")
    assert "hello" in run("-m", "spanwire", "--help", path=place).stdout


def test_one_that_cannot_be_loaded_is_reported_and_spoils_no_other(place: Path) -> None:
    done = run("-m", "spanwire", "broken", path=place)
    assert done.returncode == 2
    assert done.stderr.startswith("spanwire: cannot load the command broken (theirs:absent): AttributeError(")
    assert run("-m", "spanwire", "hello", "world", path=place).returncode == 0


def test_none_takes_the_place_of_ours_and_none_is_loaded_for_ours(place: Path) -> None:
    (place / "theirs.py").write_text("raise SystemExit('loaded')", encoding="utf-8")
    done = run("-m", "spanwire", "decode", "--help", path=place)
    assert done.returncode == 0 and "Usage: spanwire decode" in done.stdout
