"""What must be true of a wheel before anybody gets it, without running it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from buildtools import licences, sbom
from ci.wheelhouse.build import ROOT, Target

__all__ = ["CHECKS", "LARGEST", "problems", "refused"]

LARGEST = 8 << 20  # bytes
# Of the system: whatever else a library asks for would have to come with the wheel.
_SYSTEM = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libc.so", "libc.musl-x86_64.so.1"}
_SYSTEM |= {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
_EXTENSIONS = {"spanwire/_native", "spanwire/_facade/core", "spanwire/_facade/tracing"}
_NEEDED = {
    "spanwire/py.typed",
    "spanwire/_native.pyi",
    "spanwire/_facade/core.pyi",
    "spanwire/_facade/tracing.pyi",
    "spanwire/_build.json",
}
CHECKS = "auditwheel, twine --strict, ELF (stripped, no run path, only PyInit exported), size, SBOM by its schema, licences, record of the build"


def problems(wheel: Path, target: Target) -> list[str]:
    """Everything that is wrong with it."""
    return [f"{wheel.name}: {problem}" for problem in _problems(wheel, target)]


def _problems(wheel: Path, target: Target) -> Iterator[str]:
    if wheel.stat().st_size >= LARGEST:
        yield f"{wheel.stat().st_size} bytes are too many"
    if target.plat not in wheel.name:
        yield f"its name does not say {target.plat}"
    tools = Path(sys.executable).parent
    yield from refused(wheel)
    shown = " ".join(
        subprocess.run(
            [tools / "auditwheel", "show", wheel], capture_output=True, text=True, check=False
        ).stdout.split()
    )
    is_agreed = f'is consistent with the following platform tag: "{target.plat}"' in shown
    # Where there is no musl, auditwheel (6.8) finds no libc.so, and leaves the name of the platform to whoever knows what it is.
    if "musl" in target.zig and f"in order to achieve the tag platform tag '{target.plat}'" in shown.lower():
        is_agreed = shown.endswith("will need to be eliminated: libc.so")
    if not is_agreed:
        yield f"auditwheel does not agree: {shown}"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        if missing := _NEEDED - names:
            yield f"missing: {sorted(missing)}"
        if foreign := [
            name for name in names if name.startswith(("tests/", "benches/", "native/", "buildtools/", "ci/"))
        ]:
            yield f"not meant for anybody: {foreign[:3]}"
        compiled = [name for name in names if name.endswith(".so")]
        if {name.split(".")[0] for name in compiled} != _EXTENSIONS:
            yield f"its extensions are {sorted(compiled)}"
        for name in sorted(compiled):
            yield from (f"{name}: {problem}" for problem in _of_library(archive.read(name)))
        yield from _of_metadata(archive)
        if "spanwire/_build.json" in names:
            yield from _of_record(json.loads(archive.read("spanwire/_build.json")), target)


def refused(distribution: Path) -> Iterator[str]:
    """What an index would have against it."""
    command = [str(Path(sys.executable).parent / "twine"), "check", "--strict", str(distribution)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or "PASSED" not in done.stdout:
        yield f"twine: {done.stdout.strip()} {done.stderr.strip()}"


def _of_library(data: bytes) -> Iterator[str]:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(BytesIO(data))
    sections = {section.name for section in elf.iter_sections()}
    if kept := {name for name in sections if name == ".symtab" or name.startswith(".debug")}:
        yield f"not stripped: {sorted(kept)}"
    for tag in elf.get_section_by_name(".dynamic").iter_tags():
        if tag.entry.d_tag in {"DT_RPATH", "DT_RUNPATH"}:
            yield f"looks for libraries in a folder of the machine that built it: {tag.entry.d_tag}"
        if tag.entry.d_tag == "DT_NEEDED" and tag.needed not in _SYSTEM:
            yield f"needs {tag.needed}"
    exported = {
        symbol.name
        for symbol in elf.get_section_by_name(".dynsym").iter_symbols()
        if symbol.entry.st_shndx != "SHN_UNDEF" and symbol.entry.st_info.bind != "STB_LOCAL"
    }
    if foreign := {name for name in exported if not name.startswith("PyInit_")}:
        yield f"exports {sorted(foreign)[:5]}"
    # Folders of people, and of whoever builds: those that are left are /build, /cargo, /spanwire, /target and rustc's own.
    own = b"|".join(re.escape(os.fsencode(folder)) for folder in (ROOT, Path.home()) if folder != Path("/"))
    if found := re.search(rb"(?:/(?:home|root|Users)/|(?:" + own + rb")/)[\w./-]+", data):
        yield f"names a folder of the machine that built it: {found[0].decode()}"


def _of_metadata(archive: zipfile.ZipFile) -> Iterator[str]:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    texts = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
    for name in ("licenses/LICENSE", f"licenses/{licences.NAME}"):
        if name not in texts:
            yield f"no {name}"
    metadata = archive.read(texts["METADATA"]).decode()
    if f"License-File: {licences.NAME}\n" not in metadata:
        yield "its metadata does not name the licences of others"
    if f"sboms/{sbom.NAME}" not in texts:
        yield "no list of parts"
        return
    text = archive.read(texts[f"sboms/{sbom.NAME}"]).decode()
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        yield f"its list of parts breaks CycloneDX's schema: {error}"
    parts = {part["name"]: part["version"] for part in json.loads(text)["components"]}
    if not {"pyo3", "ring", "hyper", "rust-std"} <= set(parts):
        yield f"its list of parts is not whole: {sorted(parts)}"
    others = archive.read(texts[f"licenses/{licences.NAME}"]).decode() if f"licenses/{licences.NAME}" in texts else ""
    for name in ("pyo3", "ring", "zstd-sys"):
        if not re.search(rf"^{name} {re.escape(parts.get(name, '?'))}: ", others, re.MULTILINE):
            yield f"no licence of {name}"


def _of_record(record: dict[str, Any], target: Target) -> Iterator[str]:
    if (record["profile"], record["lto"]) != ("release", "fat"):
        yield f"built with profile {record['profile']}, LTO {record['lto']}"
    if record["target"] != target.zig:
        yield f"built for {record['target']}"
