"""What ``make`` does beyond single programs: what the long tests are, and what is said of a run that did not happen."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PARTS_OF_TEST = {"test-quick", "test-rust", "test-python"}
BY_HAND = {"test-wheels"}  # test-wheel for every Python that is here
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="not applicable: no make")


def test_everything_that_takes_long_is_part_of_the_long_tests() -> None:
    long = set(re.findall(r"^(test-[a-z-]+):", MAKEFILE, re.MULTILINE)) - PARTS_OF_TEST - BY_HAND - {"test-full"}
    assert re.search(r"^test-full: full-main full-beside ##", MAKEFILE, re.MULTILINE)
    parts = " ".join(re.findall(r"^full-(?:main|beside): (.*)$", MAKEFILE, re.MULTILINE))
    assert len(long) >= 6 and long <= set(parts.split())


def test_each_kind_of_test_that_is_left_out_elsewhere_is_run_by_its_own_target() -> None:
    (left_out,) = re.findall(r"^HERE := (not .*)$", MAKEFILE, re.MULTILINE)
    for marked in ("full", "law and not full"):
        assert f"pytest --timeout 900 --durations 10 -m '{marked} and $(HERE)'" in MAKEFILE
    for kind in re.findall(r"not ([a-z]+)", left_out):
        assert re.search(rf"^\tpytest -m {kind}\b", MAKEFILE, re.MULTILINE), kind


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A checkout with the last week's run, whose programs say what they are asked; ``spanwire`` does what a test puts there."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in ("build", "venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "build/bench.json").write_text("last week's", encoding="utf-8")
    program(tmp_path / "venv/bin/python", 'case "$*" in *name) echo none ;; *) echo "said: $*" ;; esac')
    return tmp_path


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def make(place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "-o", "build/stamps/ext-release", f"VENV={place / 'venv'}", "bench"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        cwd=place,
    )


@needs_make
def test_of_a_run_that_did_not_happen_nothing_is_said(place: Path) -> None:
    program(place / "venv/bin/spanwire", "exit 1")
    done = make(place)
    assert done.returncode != 0 and "said:" not in done.stdout
    assert not (place / "build/bench.json").exists()


@needs_make
@pytest.mark.parametrize("status", [0, 130])
def test_a_run_is_held_against_readme_whatever_its_status_is(status: int, place: Path) -> None:
    program(place / "venv/bin/spanwire", f"echo this run > build/bench.json; exit {status}")
    done = make(place)
    assert "said: benches/readme.py reproduced build/bench.json" in done.stdout
    assert (done.returncode == 0) is (status == 0)
