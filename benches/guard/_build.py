"""What is counted, built apart under ``build/guard``: the program of the kernels, and the extension with the names of its functions.

Both are the code of a release (the cargo profile ``guard`` inherits it; the C compiler's flags are the same but for ``-g1``), without
a profile of earlier runs to guide the compiler: that would make another build of each run. The extension that lies in the package is not
touched, since tests may be using it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NotBuilt", "Tree", "build", "copy"]

# The kernels' program, a workspace of its own.
_PROGRAM = Path("benches", "guard")
_PROGRAM_SOURCES = tuple(str(_PROGRAM / name) for name in ("Cargo.toml", "Cargo.lock", "src"))
_SOURCES = (
    *("setup.py", "buildtools", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "python", "native"),
    *_PROGRAM_SOURCES,
)
_LEFT_OUT = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info", "target", "fuzz")


class NotBuilt(Exception):
    """A compiler refused; the text is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of the sources in ``folder``, and what is built of it."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def target(self) -> Path:
        """Where cargo builds."""
        return self.folder / "target"

    @property
    def kernels(self) -> Path:
        """The program of the kernels."""
        return self.target / "guard" / "spanwire-guard"

    @property
    def package(self) -> Path:
        """What to put on Python's path."""
        return self.source / "python"


def copy(root: Path, tree: Tree) -> None:
    """The sources of the checkout ``root`` as they are now. Files that are the same stay untouched, so that only changes are built."""
    wanted = set()
    for name in _SOURCES:
        for path in sorted(_files(root / name)):
            there = tree.source / path.relative_to(root)
            wanted.add(there)
            before, now = there.stat() if there.is_file() else None, path.stat()
            if before is None or (before.st_size, before.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, there)
    for name in ("python", "native", str(_PROGRAM / "src")):  # what was deleted, but not what was built
        for path in _files(tree.source / name):
            if path not in wanted and path.suffix != ".pyc":
                path.unlink()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = []
    for folder, folders, files in os.walk(path):
        out = _LEFT_OUT(folder, [*folders, *files])
        folders[:] = [name for name in folders if name not in out]
        found += [Path(folder, name) for name in files if name not in out]
    return found


def build(tree: Tree, *, extension: bool = True) -> None:
    """Builds what changed: the kernels, and the extension unless told otherwise. Raises NotBuilt."""
    env = {
        **os.environ,
        "CARGO_TARGET_DIR": str(tree.target),
        "PYO3_PYTHON": sys.executable,
        "SETUPTOOLS_RUST_CARGO_PROFILE": "guard",
        "SPANWIRE_BUILD_SYMBOLS": "1",
        "SPANWIRE_BUILD_FEATURES": "",
    }
    # What would make it another build than users get.
    for name in ("RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CFLAGS", "LDFLAGS"):
        env.pop(name, None)
    manifest = str(tree.source / _PROGRAM / "Cargo.toml")
    cargo = ["cargo", "build", "-q", "--locked", "--manifest-path", manifest, "--profile", "guard"]
    _run(cargo, tree, env)
    if extension:
        _run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], tree, env)


def _run(command: list[str], tree: Tree, env: dict[str, str]) -> None:
    try:
        done = subprocess.run(command, cwd=tree.source, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NotBuilt(f"{command[0]}: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotBuilt("\n".join([f"{command[0]} failed:", *said[-40:]]))
