"""The counts that a profile-guided release is compiled by: both halves built by zig so that they count, and run by ci/pgo's training."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ci.wheelhouse import build as building
from ci.wheelhouse.build import Target
from ci.wheelhouse.pythons import find

__all__ = ["train"]

_TRAINER = building.ROOT / ".venv" / "bin" / "python"  # has what the benchmarks need


def train(source: Path, target: Target, folder: Path) -> Path:
    """A folder with ``rust.profdata`` and ``facade.profdata``, of these sources and this compiler: counts of another state go stale silently."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("c", "rust"):
        (folder / name).mkdir(parents=True)
    (python,) = find([str(_TRAINER)])
    environment = building.environment(source, python, target) | {
        "SPANWIRE_PGO": "generate",
        "SPANWIRE_PGO_BY": "clang",
        "SPANWIRE_PGO_DATA": str(folder / "c" / "%m-%p.profraw"),
        "SPANWIRE_PGO_RUNTIME": str(_runtime(target, folder)),
        "RUSTFLAGS": f"-Cprofile-generate={folder / 'rust'}",
    }
    building.forget(source)
    lib = folder / "lib"
    building.run(building.builder(python), "setup.py", "-q", "build", "--build-lib", lib, cwd=source, env=environment)
    building.run(building.ROOT / "ci" / "pgo", "train", _TRAINER, lib, folder)
    profdata = building.run(building.ROOT / "ci" / "pgo", "profdata").split()[-1]
    for half, kept in (("c", "facade"), ("rust", "rust")):
        raw = sorted((folder / half).glob("*.profraw"))
        if not raw:
            raise SystemExit(f"ci/wheels: the training counted nothing in {half}: {folder}")
        building.run(profdata, "merge", "-o", folder / f"{kept}.profdata", *raw)
    building.forget(source)
    return folder


def _runtime(target: Target, folder: Path) -> Path:
    """Rust's copy of LLVM's counters; a linker wants an archive to be called so."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
    (found,) = Path(sysroot, "lib", "rustlib", target.rust, "lib").glob("libprofiler_builtins-*.rlib")
    return Path(shutil.copy(found, folder / "profiler.a"))
