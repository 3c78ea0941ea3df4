"""Which CPythons are on this machine: those that PYTHONS names, those on PATH, and those of pyenv."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildtools.needs import NEWEST, OLDEST

__all__ = ["SUPPORTED", "Python", "asked", "find", "missing"]

SUPPORTED = [(3, minor) for minor in range(OLDEST[1], NEWEST[1] + 1)]
_ASK = (
    "import sys, sysconfig, os; i = sys.implementation; "
    "headers = os.path.exists(os.path.join(sysconfig.get_path('include'), 'Python.h')); "
    "print(i.name, sys.version_info[0], sys.version_info[1], sys.version.split()[0], "
    "'t' in sys.abiflags, headers, os.path.realpath(sys.executable))"
)


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter that can build."""

    version: tuple[int, int]
    full: str
    path: Path

    @property
    def tag(self) -> str:
        """As in the names of wheels: cp311."""
        return f"cp{self.version[0]}{self.version[1]}"


def asked() -> list[str]:
    """What PYTHONS names: paths or versions."""
    return os.environ.get("PYTHONS", "").split()


def find(wanted: Sequence[str] = ()) -> list[Python]:
    """One for each supported version, in order. ``wanted``: paths or versions (3.12), and nothing else then."""
    found: dict[tuple[int, int], Python] = {}
    for candidate in _candidates(wanted):
        python = _ask(candidate)
        if python is not None and python.version in SUPPORTED:
            found.setdefault(python.version, python)
    return [found[version] for version in sorted(found)]


def missing(found: Sequence[Python]) -> list[str]:
    """Supported versions that are not among them."""
    return [f"{major}.{minor}" for major, minor in SUPPORTED if (major, minor) not in {p.version for p in found}]


def _candidates(wanted: Sequence[str]) -> Iterator[str]:
    if wanted:
        for text in wanted:
            if "/" in text or not text[0].isdigit():
                yield text
            else:
                yield from _of_version(text)
        return
    for major, minor in SUPPORTED:
        yield from _of_version(f"{major}.{minor}")


def _of_version(version: str) -> Iterator[str]:
    """pyenv's first: they have headers, which a system's Python may lack; the newest patch release of each."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    fitting = [path for path in versions.glob(f"{version}*") if path.name == version or path.name[len(version)] == "."]
    yield from (str(path / "bin" / "python") for path in sorted(fitting, key=_numbers, reverse=True))
    if found := shutil.which(f"python{version}"):
        yield found


def _numbers(path: Path) -> list[int]:
    return [int(part) if part.isdigit() else -1 for part in path.name.split(".")]


def _ask(candidate: str) -> Python | None:
    """What it is; None if it does not run, is no CPython with a GIL, or has no headers."""
    try:
        done = subprocess.run([candidate, "-c", _ASK], check=True, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    name, major, minor, full, threaded, headers, path = done.stdout.strip().split(" ", 6)
    if name != "cpython" or threaded == "True" or headers != "True":
        return None
    return Python((int(major), int(minor)), full, Path(path))
