"""``ci/locks`` finds a Cargo.lock that no longer fits its Cargo.toml."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n{more}'


def crate(folder: Path, name: str, more: str = "") -> Path:
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "lib.rs").touch()
    (folder / "Cargo.toml").write_text(MANIFEST.format(name=name, more=more), encoding="utf-8")
    return folder


def locks(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ROOT / "ci" / "locks", folder], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.requires_program("cargo")
def test_a_lock_without_a_new_dependency_is_stale(tmp_path: Path) -> None:
    crate(tmp_path / "below", "below")
    here = crate(tmp_path / "fuzz", "spans-fuzz")
    subprocess.run(["cargo", "generate-lockfile", "--offline"], cwd=here, check=True, timeout=60, capture_output=True)
    fresh = locks(here)
    assert (fresh.returncode, fresh.stderr) == (0, "")

    crate(here, "spans-fuzz", '[dependencies]\nbelow = { path = "../below" }\n')
    stale = locks(here)
    assert stale.returncode == 1
    assert f"{here}/Cargo.lock is stale" in stale.stderr


def test_lint_asks_it() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nlint-rust:")[1].split("\n\n")[0]
    assert "\tci/locks\n" in recipe
