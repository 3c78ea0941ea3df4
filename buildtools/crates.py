"""The Rust crates whose code is in the extension: cargo's tree for the target, with what Cargo.lock and the crates themselves say."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Crate", "linked"]

# What cargo prints for each crate; no field of a crate has a tab.
_FORMAT = "{p}\t{l}\t{r}"
_LICENCE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)([-_.].*)?$", re.IGNORECASE)
_NO_TEXT = {".rs", ".html", ".toml", ".py"}


@dataclass(frozen=True)
class Crate:
    """One that is linked. ``folder`` is where its source lies, if it was found; ``checksum`` is its archive's SHA-256."""

    name: str
    version: str
    licence: str
    repository: str
    checksum: str
    folder: Path | None

    def licence_files(self) -> Iterator[tuple[str, str]]:
        """Names and texts: its own, and those of C code that it carries (zstd, BoringSSL's parts)."""
        if self.folder is None:
            return
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if len(name.parts) <= 3 and _LICENCE.match(path.name) and path.suffix not in _NO_TEXT and path.is_file():
                yield name.as_posix(), path.read_text(encoding="utf-8", errors="replace")


def linked(root: Path, target: str | None = None) -> list[Crate]:
    """Those of others, for ``target`` (this machine, unless it is named), by name. Procedural macros only run in the compiler."""
    command = [
        os.environ.get("CARGO", "cargo"),
        "tree",
        "--manifest-path",
        str(root / "native" / "Cargo.toml"),
        "--locked",
    ]
    command += ["--package", "spanwire-bindings", "--edges", "normal,no-proc-macro", "--prefix", "none", "--no-dedupe"]
    command += ["--format", _FORMAT, "--offline", *(["--target", target] if target else [])]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    checksums = _checksums(root / "native" / "Cargo.lock")
    crates = {}
    for line in out.splitlines():
        package, licence, repository = line.split("\t")
        name, version = package.split()[:2]
        version = version.removeprefix("v")
        if (name, version) in checksums:  # ours have none
            crates[name, version] = Crate(
                name,
                version,
                licence.replace("/", " OR "),
                repository,
                checksums[name, version],
                _folder(root, name, version),
            )
    return [crates[key] for key in sorted(crates)]


def _checksums(lock: Path) -> dict[tuple[str, str], str]:
    found = {}
    for block in lock.read_text(encoding="utf-8").split("[[package]]")[1:]:
        fields = dict(re.findall(r'^(name|version|checksum) = "([^"]*)"', block, re.MULTILINE))
        if "checksum" in fields:
            found[fields["name"], fields["version"]] = fields["checksum"]
    return found


def _folder(root: Path, name: str, version: str) -> Path | None:
    """In cargo's own place, or among vendored sources."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    places = sorted((home / "registry" / "src").glob(f"*/{name}-{version}"))
    places += [root / "native" / "vendor" / f"{name}-{version}", root / "native" / "vendor" / name]
    return next((place for place in places if place.is_dir()), None)
