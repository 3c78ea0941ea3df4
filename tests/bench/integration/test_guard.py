"""The guard trips on code that was made 5 % slower, for real: a copy of the sources is changed, built and counted."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benches.guard._build import Tree, copy
from tests.conftest import ROOT

pytestmark = [pytest.mark.full, pytest.mark.requires_program("valgrind"), pytest.mark.timeout(1500)]

# File, the line that is planted behind, what is planted: some 40 of the 810 instructions of a span in the core, and 5 times 65 of
# the 6,600 of one through Python.
PLANTED = (
    (
        "native/record/src/finish.rs",
        "pub fn write_frame(&self, out: &mut Region) {",
        "{ let mut step = 0_u8; while std::hint::black_box(step) < 8 { step += 1; } }",
    ),
    (
        "python/spanwire/_facade/fast.h",
        "static PyObject *sw_set_attribute(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {",
        "for (volatile int step = 0; step < 9; step++) {}",
    ),
)
CASES = ("record/w5", "record/set-str", "whole/w5")


def guard(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benches.guard", *options, "--only", *CASES]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def slower(folder: Path) -> Path:
    """The sources with what is planted."""
    tree = Tree(folder)
    copy(ROOT, tree)
    for file, line, planted in PLANTED:
        path = tree.source / file
        text = path.read_text(encoding="utf-8")
        assert text.count(f"{line}\n") == 1, f"{file} has no place for the planted code any more"
        path.write_text(text.replace(f"{line}\n", f"{line}\n{planted}\n"), encoding="utf-8")
    return tree.source


def test_the_guard_trips_on_five_percent_and_names_the_function(tmp_path: Path) -> None:
    baseline = ("--baseline", tmp_path / "baseline.json")
    accepted = guard("--accept", *baseline)
    assert accepted.returncode == 0, accepted.stderr
    again = guard("--require", *baseline)
    assert again.returncode == 0, again.stdout + again.stderr

    # Crates of others need not be built once more.
    built = Tree(tmp_path / "built")
    shutil.copytree(ROOT / "build" / "guard" / "target", built.target, symlinks=True)
    tripped = guard("--sources", slower(tmp_path / "slower"), "--folder", built.folder, *baseline)

    assert tripped.returncode == 1, tripped.stdout + tripped.stderr
    changes = {
        name: float(change) for name, change in re.findall(r"^(\S+) .* ([+-][\d.]+)%", tripped.stdout, re.MULTILINE)
    }
    assert 4 < changes["record/w5"] < 7
    assert 4 < changes["whole/w5"] < 7
    assert abs(changes["record/set-str"]) < 1
    assert "FAILED: 2 of 3 cases" in tripped.stderr
    core, python = re.findall(r"functions that grew:\n +\+([\d.,]+) +\S+ -> +\S+  (.*)", tripped.stdout)
    assert "SpanRecord>::write_frame [spanwire-guard]" in core[1]
    assert float(core[0]) > 30
    assert python[1] == "sw_set_attribute [tracing]"
    assert float(python[0]) > 250
    assert re.search(r"\+\d+\.\d .* native/record/src/finish\.rs", tripped.stdout)
