"""setuptools' commands with what a package of ours carries besides: how it was built, of which parts, under whose licences."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from setuptools.command.bdist_wheel import bdist_wheel as _bdist_wheel
from setuptools.command.build_py import build_py as _build_py
from setuptools.command.sdist import sdist as _sdist

from buildtools import licences, sbom
from buildtools.crates import linked
from buildtools.origin import origin

__all__ = ["COMMANDS", "RECORD"]

ROOT = Path(__file__).resolve().parent.parent
RECORD = "_build.json"  # in the package; `spanwire --version --verbose` reads it


def tools() -> dict[str, str]:
    """What compiles, and its version, as far as a command says it."""
    found = {"Cython": version("Cython"), "rustc": _first_line(["rustc", "--version"]).removeprefix("rustc ")}
    compiler = shlex.split(os.environ.get("CC", "cc"))
    found["cc"] = _first_line([*compiler, "--version"])
    if zig := os.environ.get("SPANWIRE_ZIG_VERSION"):
        found["zig"] = zig
    return found


def _first_line(command: list[str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.partition("\n")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def record() -> dict[str, Any]:
    """What is known now of the build that is going on."""
    profile = os.environ.get("SETUPTOOLS_RUST_CARGO_PROFILE") or "release"
    manifest = (ROOT / "native" / "Cargo.toml").read_text(encoding="utf-8")
    section = re.search(rf"^\[profile\.{re.escape(profile)}\]\n(.*?)(?=^\[|\Z)", manifest, re.MULTILINE | re.DOTALL)
    lto = section and re.search(r'^lto = "?(\w+)"?', section[1], re.MULTILINE)
    where = origin(ROOT)
    return {
        "commit": where.commit,
        "seconds": where.seconds,
        "profile": profile,
        "lto": lto[1] if lto else "",
        "profile_guided": os.environ.get("SPANWIRE_PGO") == "use",
        "target": os.environ.get("SPANWIRE_ZIG_TARGET", ""),
        "tools": tools(),
    }


class BuildPy(_build_py):
    """With a record of the build beside the modules; in an editable install there is none."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            path = Path(self.build_lib, "spanwire", RECORD)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record(), indent=1, sort_keys=True) + "\n", encoding="utf-8")


class BdistWheel(_bdist_wheel):
    """With the list of parts and the licences of others in the metadata's folder."""

    def write_wheelfile(self, wheelfile_base: str, *arguments: Any, **keywords: Any) -> None:
        # Here, since all is built by now: metadata alone may be asked for where there is no Rust, or before cargo has fetched a crate.
        super().write_wheelfile(wheelfile_base, *arguments, **keywords)
        if "editable_wheel" in self.distribution.commands:
            return  # goes nowhere, and nothing is built yet
        crates = linked(ROOT, os.environ.get("CARGO_BUILD_TARGET") or _rust_host())
        where = origin(ROOT)
        folder = Path(wheelfile_base)
        (folder / "sboms").mkdir(exist_ok=True)
        text = sbom.sbom(self.distribution.get_version(), crates, tools(), where.commit, where.seconds)
        (folder / "sboms" / sbom.NAME).write_text(text, encoding="utf-8")
        (folder / "licenses").mkdir(exist_ok=True)
        (folder / "licenses" / licences.NAME).write_text(licences.licences(crates), encoding="utf-8")
        metadata = folder / "METADATA"
        lines = metadata.read_text(encoding="utf-8").split("\n")
        last = max(index for index, line in enumerate(lines) if line.startswith("License-File: "))
        lines.insert(last + 1, f"License-File: {licences.NAME}")
        metadata.write_text("\n".join(lines), encoding="utf-8")
        if missing := licences.without_text(crates):
            print(f"spanwire: these crates carry no text of their licence: {', '.join(missing)}", file=sys.stderr)


def _rust_host() -> str:
    out = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    return next(line.removeprefix("host: ") for line in out.splitlines() if line.startswith("host: "))


class Sdist(_sdist):
    """With the commit, which an unpacked sdist can't ask git for."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        where = origin(ROOT)  # before the tree lies in the checkout, as a change to it
        super().make_release_tree(base_dir, files)
        where.write(Path(base_dir))


COMMANDS: dict[str, type] = {"bdist_wheel": BdistWheel, "build_py": BuildPy, "sdist": Sdist}
