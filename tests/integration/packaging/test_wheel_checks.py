"""ci/wheels refuses what must not go out: a wheel of its own, damaged in each way."""

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.packaging.environments import WHEELS, some_wheel

pytestmark = [pytest.mark.full, pytest.mark.wheel]

FOLDER = "/" + "home/somebody/src/lib.rs"  # in two parts: a test looks for such names in our sources
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


def with_run_path(data: bytes, folder: Path) -> bytes:
    library = folder / "core.so"
    library.write_bytes(data)
    subprocess.run([TOOLS / "patchelf", "--set-rpath", "/opt/python/lib", library], check=True)
    return library.read_bytes()


def test_the_wheel_itself_is_sound() -> None:
    done = checked(some_wheel(WHEELS[0]))
    assert (done.returncode, done.stderr) == (0, "")


def test_each_damage_is_told(tmp_path: Path) -> None:
    def change(name: str, data: bytes) -> bytes | None:
        if "_facade/core." in name and name.endswith(".so"):
            return with_run_path(data, tmp_path)
        if "/_native." in name and name.endswith(".so"):
            return data + FOLDER.encode()
        if name.endswith(".cdx.json"):
            return data.replace(b'"bomFormat"', b'"format"').replace(b"rust-std", b"rust-dts")
        if name.endswith("py.typed") or "THIRD-PARTY" in name:
            return None
        return data.replace(b'"lto": "fat"', b'"lto": "off"') if name.endswith("_build.json") else data

    done = checked(damaged(tmp_path, change))

    assert done.returncode == 1
    for words in (
        "looks for libraries in a folder of the machine that built it: DT_RUNPATH",
        f"names a folder of the machine that built it: {FOLDER}",
        "its list of parts breaks CycloneDX's schema",
        "its list of parts is not whole",
        "missing: ['spanwire/py.typed']",
        "no licenses/THIRD-PARTY-LICENSES.txt",
        "no licence of ring",
        "LTO off",
    ):
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wheel_without_a_list_of_parts_for_another_system_is_refused(tmp_path: Path) -> None:
    path = damaged(tmp_path, lambda name, data: None if name.endswith(".cdx.json") else data)
    done = checked(
        path.rename(
            tmp_path / path.name.replace("manylinux_2_17", "manylinux_2_5").replace("manylinux2014_x86_64.", "")
        )
    )
    assert done.returncode == 1
    assert "no list of parts" in done.stderr
    assert "its name does not say manylinux_2_17_x86_64" in done.stderr
