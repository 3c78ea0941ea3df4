"""Empty environments outside the checkout, for the wheels in wheelhouse/ that run here, each with its own Python."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.wheelhouse.pythons import find
from tests.conftest import ROOT

__all__ = ["WHEELS", "Environment", "make", "oldest", "own_wheel", "some_wheel"]

# None where there is none: the tests fail then, and say so, instead of being none themselves.
WHEELS: list[Path | None] = [*sorted((ROOT / "wheelhouse").glob(f"spanwire-*manylinux*_{os.uname().machine}.whl"))] or [
    None
]


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment and a folder that is no checkout."""

    root: Path
    elsewhere: Path

    def run(
        self, *command: str, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        # Nothing of the surroundings but what finds the registries.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        clean["PATH"] = f"{self.root / 'bin'}{os.pathsep}{os.defpath}"
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.elsewhere,
            env={**clean, **(variables or {})},
            timeout=300,
        )
        assert not check or done.returncode == 0, (
            f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
        return done

    @property
    def python(self) -> str:
        return str(self.root / "bin" / "python")


def some_wheel(wheel: Path | None) -> Path:
    assert wheel is not None, "`make wheels` first: wheelhouse/ has none for this machine"
    return wheel


def own_wheel() -> Path:
    """The one for the Python that runs the tests."""
    tag = f"-cp{sys.version_info[0]}{sys.version_info[1]}-"
    return some_wheel(next((wheel for wheel in WHEELS if wheel is not None and tag in wheel.name), None))


def make(tmp_path_factory: pytest.TempPathFactory, wheel: Path | None, extra: str, *more: str) -> Environment:
    """With the wheel, by the Python that it is for."""
    path = some_wheel(wheel)
    tag = re.search(r"-cp3(\d+)-", path.name)
    assert tag, path.name
    found = find([f"3.{tag[1]}"])
    assert found, f"no CPython 3.{tag[1]} here for {path.name}"
    root, elsewhere = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("elsewhere")
    subprocess.run([str(found[0].path), "-m", "venv", str(root)], check=True)
    made = Environment(root, elsewhere)
    made.run(made.python, "-m", "pip", "install", "-q", f"{path}{extra}", *more)
    return made


def oldest() -> str:
    """The oldest SDK that we say we support: 1.33."""
    found = re.search(r'"opentelemetry-sdk>=([\d.]+),', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found
    return found[1]
