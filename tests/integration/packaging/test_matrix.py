"""Which wheels a hosted service would build: what cibuildwheel itself makes of its configuration."""

import os
import re
import subprocess

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types

import spanwire
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


def test_the_workflow_takes_what_is_fixed_and_may_do_no_more_than_it_must() -> None:
    workflow = yaml.safe_load(text := (ROOT / "ci" / "release.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert {name: job.get("permissions") for name, job in workflow["jobs"].items() if "permissions" in job} == {
        "publish": {"id-token": "write"}
    }
    used = re.findall(r"uses: (.*)", text)
    assert used and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used), used
    installed = re.findall(r"pip install (.*)", text)
    assert installed and all(re.fullmatch(r"\w+==[\d.]+", one) for one in installed), installed
    (version,) = re.findall(r'"cibuildwheel==([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"cibuildwheel=={version}" in installed


@pytest.mark.parametrize(("tag", "status"), [("v{version}", 0), ("v{version}.1", 1), ("", 1)])
def test_the_workflow_refuses_a_tag_of_another_version(tag: str, status: int) -> None:
    workflow = yaml.safe_load((ROOT / "ci" / "release.yml").read_text(encoding="utf-8"))
    (step,) = [step for step in workflow["jobs"]["sdist"]["steps"] if step.get("name") == "the tag is the version"]
    name = tag.format(version=spanwire.__version__)
    done = subprocess.run(
        ["bash", "-euc", step["run"]], cwd=ROOT, env={**os.environ, "GITHUB_REF_NAME": name}, check=False
    )
    assert done.returncode == status
