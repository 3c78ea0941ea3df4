"""``baseline.json``: what each case took when it was last accepted, by toolchain, since another compiler or interpreter is another count."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benches.guard._count import Case, Counts, level

__all__ = ["Accepted", "Baseline", "toolchain"]

_SCHEMA = 1
GROUPS = ("kernels", "python")

Toolchain = dict[str, str]


def toolchain(group: str) -> Toolchain:
    """What decides about the counts of a group, beside our code. Python's own build is known by its date."""
    libc, version = platform.libc_ver()
    rust = {
        "machine": platform.machine(),
        "instructions": level(),
        "rustc": _first_line(["rustc", "--version"]),
        "libc": f"{libc} {version}",
        "valgrind": _first_line(["valgrind", "--version"]),
    }
    if group == "kernels":
        return rust
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    return {
        **rust,
        "cc": _first_line([shlex.split(compiler)[0], "--version"]),
        "python": platform.python_version(),
        "python build": " ".join([*platform.python_build(), platform.python_compiler()]),
        **{name: _version(name) for name in ("Cython", "opentelemetry-api", "opentelemetry-sdk")},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _first_line(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "none"


@dataclass(slots=True)
class Accepted:
    """The counts of a group of cases that were accepted with a toolchain."""

    group: str
    toolchain: Toolchain
    cases: dict[str, Counts] = field(default_factory=dict)

    def differences(self, toolchain: Toolchain) -> list[str]:
        """What of the other toolchain is another than of this one, in words."""
        names = dict.fromkeys([*self.toolchain, *toolchain])
        pairs = [(name, self.toolchain.get(name, "none"), toolchain.get(name, "none")) for name in names]
        return [f"{name}: {now}, not {before}" for name, before, now in pairs if before != now]


@dataclass(slots=True)
class Baseline:
    """All that was accepted, of any toolchain."""

    accepted: list[Accepted] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Baseline:
        """An empty one where there is no file. Raises ValueError where it is of another make."""
        if not path.exists():
            return cls()
        read = json.loads(path.read_text(encoding="utf-8"))
        if read.get("schema") != _SCHEMA:
            raise ValueError(
                f"{path}: schema {read.get('schema')}, not {_SCHEMA}: delete it and run make bench-baseline"
            )
        return cls(
            [
                Accepted(
                    one["group"],
                    one["toolchain"],
                    {name: Counts(**counts) for name, counts in one["cases"].items()},
                )
                for one in read["baselines"]
            ]
        )

    def save(self, path: Path) -> None:
        """One number a line, in an order that does not change by itself: people read what a commit does to it."""
        baselines: list[dict[str, Any]] = [
            {
                "group": one.group,
                "toolchain": one.toolchain,
                "cases": {
                    name: {
                        "total": counts.total,
                        "functions": dict(sorted(counts.functions.items(), key=_dearest)),
                        "sources": dict(sorted(counts.sources.items(), key=_dearest)),
                    }
                    for name, counts in one.cases.items()
                },
            }
            for one in sorted(self.accepted, key=lambda one: (one.group, list(one.toolchain.values())))
        ]
        text = json.dumps({"schema": _SCHEMA, "baselines": baselines}, indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")

    def find(self, group: str, toolchain: Toolchain) -> Accepted | None:
        """What was accepted with just this toolchain."""
        return next((one for one in self.accepted if one.group == group and one.toolchain == toolchain), None)

    def nearest(self, group: str, toolchain: Toolchain) -> Accepted | None:
        """What was accepted with the toolchain that has most in common with this one."""
        of_group = [one for one in self.accepted if one.group == group]
        return min(of_group, key=lambda one: len(one.differences(toolchain)), default=None)

    def accept(self, group: str, toolchain: Toolchain, counted: Iterable[tuple[Case, Counts]], *, whole: bool) -> None:
        """From now on this is right; ``whole``: cases that were not counted are there no more. Other toolchains keep theirs."""
        accepted = self.find(group, toolchain)
        if accepted is None:
            accepted = Accepted(group, toolchain)
            self.accepted.append(accepted)
        now = {case.name: counts for case, counts in counted}
        accepted.cases = now if whole else {**accepted.cases, **now}


def _dearest(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]
