"""ci/wheels refuses what must not go out: a wheel of its own, damaged in each way."""

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.packaging.environments import WHEELS, some_wheel

pytestmark = [pytest.mark.full, pytest.mark.wheel]

TOOLS = ROOT / "build" / "wheels-venv" / "bin"


def checked(wheel: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(TOOLS / "python"), "-m", "ci.wheelhouse", "--check", str(wheel)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


def damaged(folder: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of the first wheel with other contents; None leaves a file out."""
    original = some_wheel(WHEELS[0])
    copy = folder / original.name
    with zipfile.ZipFile(original) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = change(name, source.read(name))
            if data is not None:
                target.writestr(name, data)
    return copy


def with_run_path(name: str, data: bytes, folder: Path) -> bytes:
    if "_facade/core." not in name:
        return data
    library = folder / "core.so"
    library.write_bytes(data)
    subprocess.run([TOOLS / "patchelf", "--set-rpath", "/opt/python/lib", library], check=True)
    return library.read_bytes()


DAMAGES: dict[str, tuple[Callable[[str, bytes, Path], bytes | None], str]] = {
    "a run path": (with_run_path, "looks for libraries in a folder of the machine that built it: DT_RUNPATH"),
    "no list of parts": (lambda name, data, _: None if name.endswith(".cdx.json") else data, "no list of parts"),
    "a bad list": (
        lambda name, data, _: data.replace(b'"components"', b'"compounds"') if name.endswith(".cdx.json") else data,
        "breaks CycloneDX's schema",
    ),
    "no licences": (lambda name, data, _: None if "THIRD-PARTY" in name else data, "no licence of ring"),
    "no types": (lambda name, data, _: None if name.endswith("py.typed") else data, "missing: ['spanwire/py.typed']"),
    "a slow build": (lambda name, data, _: data.replace(b'"lto": "fat"', b'"lto": "off"'), "LTO off"),
    "a name of the builder": (
        lambda name, data, _: data + b"/home/somebody/src/lib.rs" if name.endswith(".so") else data,
        "names a folder of the machine that built it: /home/somebody/src/lib.rs",
    ),
}


def test_the_wheel_itself_is_sound() -> None:
    done = checked(some_wheel(WHEELS[0]))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_refused(damage: str, tmp_path: Path) -> None:
    change, words = DAMAGES[damage]
    done = checked(damaged(tmp_path, lambda name, data: change(name, data, tmp_path)))
    assert done.returncode == 1
    assert words in done.stderr
