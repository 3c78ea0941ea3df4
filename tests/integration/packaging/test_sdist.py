"""The sdist: has all that a build needs, and says in one sentence what is missing to build it."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ci.wheelhouse.build import make_sdist
from tests.conftest import ROOT

pytestmark = [pytest.mark.full, pytest.mark.wheel, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sdist() -> Path:
    """That of `make wheels`, from which wheelhouse/ was built; that it gives the checkout's wheel is looked at there."""
    (found,) = (ROOT / "build" / "wheels" / "sdist").glob("spanwire-*.tar.gz")
    return found


def test_it_has_all_that_the_build_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"native/Cargo.toml", "native/Cargo.lock", "native/wire/src/lib.rs", "setup.py", "LICENSE", "origin.json"}
    needed |= {f"python/spanwire/_facade/{name}" for name in ("core.pyx", "capi.pxd", "spanwire_api.h")}
    needed |= {
        f"buildtools/{name}.py" for name in ("__init__", "commands", "crates", "licences", "needs", "origin", "sbom")
    }
    assert needed <= names
    assert not [name for name in names if "/target/" in name or name.endswith(".so")]


def test_making_one_leaves_the_metadata_of_the_checkout_alone(tmp_path: Path) -> None:
    """Others may read their entry points there meanwhile; where there is none, none is made, which would stand for the installed one."""
    before = metadata()
    assert make_sdist(tmp_path / "sdist").stat().st_size > 100_000
    assert metadata() == before


def metadata() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (ROOT / "python").glob("*.egg-info/*")}


def test_without_rust_pip_ends_with_one_sentence(sdist: Path, tmp_path: Path) -> None:
    """With build isolation, as a user has it; metadata is not refused. tests/repository/buildtools has the other things that may be missing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if found := shutil.which("gcc"):
        (folder / "gcc").symlink_to(found)
    clean = {name: value for name, value in os.environ.items() if name not in {"CC", "CARGO"} and "PYTHON" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(tmp_path / "out"), str(sdist)],
        env={**clean, "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == 1
    said = [line for line in (done.stdout + done.stderr).splitlines() if "building spanwire from source needs" in line]
    assert len(said) == 1 and "install stable Rust" in said[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert "Compiling" not in done.stdout + done.stderr
