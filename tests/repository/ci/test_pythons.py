"""Which interpreters wheels are built for."""

import os
from pathlib import Path

import pytest

from ci.wheelhouse.pythons import SUPPORTED, find, missing


def interpreter(path: Path, said: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{said}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing but what a test puts there."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def test_the_newest_patch_release_of_pyenvs_is_taken_before_the_systems(machine: Path) -> None:
    for patch in ("9", "10"):
        home = machine / "pyenv" / "versions" / f"3.14.{patch}" / "bin" / "python"
        interpreter(home, f"cpython 3 14 3.14.{patch} False True {home}")
    interpreter(machine / "bin" / "python3.14", "cpython 3 14 3.14.1 False True /bin/python3.14")

    (found,) = find(["3.14"])

    assert (found.full, found.tag) == ("3.14.10", "cp314")
    assert missing([found]) == [f"3.{minor}" for _, minor in SUPPORTED[:-1]]


@pytest.mark.parametrize(
    "said",
    [
        "pypy 3 14 3.14.1 False True /p",  # another implementation
        "cpython 3 14 3.14.1 True True /p",  # without a GIL
        "cpython 3 14 3.14.1 False False /p",  # without headers
        "cpython 3 15 3.15.0 False True /p",  # newer than what is supported
    ],
)
def test_what_cannot_build_is_not_taken(machine: Path, said: str) -> None:
    assert find([str(interpreter(machine / "p", said))]) == []


def test_a_path_is_taken_as_it_is_and_nothing_else(machine: Path) -> None:
    path = interpreter(machine / "some where" / "python", f"cpython 3 12 3.12.4 False True {machine}/some where/python")
    interpreter(machine / "bin" / "python3.13", "cpython 3 13 3.13.1 False True /p")

    (found,) = find([str(path)])

    assert found.version == (3, 12) and found.path == path


def test_no_answer_is_no_interpreter(machine: Path) -> None:
    assert find([str(machine / "nothing")]) == []
