"""Which wheels a hosted service would build: what cibuildwheel itself makes of its configuration."""

import os
import subprocess

import pytest

from buildtools.needs import NEWEST, OLDEST
from tests.conftest import ROOT

pytestmark = [pytest.mark.full, pytest.mark.wheel]


def test_every_supported_python_is_built_for_each_libc_and_machine() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CIBW_")}
    command = [str(ROOT / "build" / "wheels-venv" / "bin" / "cibuildwheel"), "--print-build-identifiers"]
    done = subprocess.run(
        [*command, "--platform", "linux"], cwd=ROOT, env=clean, capture_output=True, text=True, check=True, timeout=60
    )
    versions = [f"cp3{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    kinds = [f"{libc}_{machine}" for libc in ("manylinux", "musllinux") for machine in ("x86_64", "aarch64")]
    assert sorted(done.stdout.split()) == sorted(f"{version}-{kind}" for version in versions for kind in kinds)


def test_the_workflow_builds_for_the_machines_of_the_configuration() -> None:
    workflow = (ROOT / "ci" / "release.yml").read_text(encoding="utf-8")
    assert "arch: x86_64," in workflow and "arch: aarch64," in workflow
    assert (ROOT / "ci" / "cibw-rust").stat().st_mode & 0o100
    assert "include ci/cibw-rust" in (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
