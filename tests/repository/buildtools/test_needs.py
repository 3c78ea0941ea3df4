"""setup.py says in one sentence what is missing, before it does anything."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from buildtools import needs
from tests.conftest import ROOT


def setup_py(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "setup.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", ["bdist_wheel", "build_ext"])
def test_without_cargo_it_ends_with_one_sentence(command: str, tmp_path: Path) -> None:
    done = setup_py(command, PATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "there is no cargo on PATH: install stable Rust" in done.stderr


def test_without_a_c_compiler_it_ends_with_one_sentence(tmp_path: Path) -> None:
    cargo = tmp_path / "cargo"
    cargo.write_text("#!/bin/sh\n", encoding="utf-8")
    cargo.chmod(0o755)

    done = setup_py("bdist_wheel", PATH=str(tmp_path), CC="no-such-cc -pthread")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "there is no no-such-cc on PATH" in done.stderr


def test_what_compiles_nothing_needs_no_compiler(tmp_path: Path) -> None:
    done = setup_py("--version", PATH=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1][0].isdigit()


@pytest.mark.parametrize("version", [(3, 9), (3, 15), (4, 0)])
def test_a_python_that_is_not_supported_is_refused(version: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPANWIRE_BUILD_ANY_PYTHON", raising=False)
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))

    with pytest.raises(SystemExit, match=rf"this is {version[0]}\.{version[1]}: "):
        needs.require(["egg_info"])  # before pip has installed anything for it

    monkeypatch.setenv("SPANWIRE_BUILD_ANY_PYTHON", "1")
    with contextlib.nullcontext() if version > needs.NEWEST else pytest.raises(SystemExit):
        needs.require(["egg_info"])


def test_supported_versions_are_the_same_everywhere() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    versions = [f"3.{minor}" for minor in range(needs.OLDEST[1], needs.NEWEST[1] + 1)]
    assert [line.split(" :: ")[-1].strip('",') for line in text.splitlines() if ":: Python :: 3." in line] == versions
    assert f'requires-python = ">={versions[0]}"' in text
    header = (ROOT / "python" / "spanwire" / "_facade" / "fast.h").read_text(encoding="utf-8")
    assert f"PY_VERSION_HEX >= 0x03{needs.NEWEST[1] + 1:02X}0000" in header
