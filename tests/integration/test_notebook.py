"""docs/notebook.md: its cells, run one after the other in one process, print what stands below them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "notebook.md"
CELLS = re.findall(r"^```py\n(.*?)^```\n```text\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)

# Runs the cells given in files, and prints a line between their outputs.
_RUN = """
import pathlib, sys
scope = {}
for cell in sys.argv[1:]:
    exec(compile(pathlib.Path(cell).read_text(), cell, "exec"), scope)
    print("\\0", flush=True)
"""


def test_each_cell_prints_what_the_page_says(tmp_path: Path) -> None:
    for module in ("pyarrow", "pandas"):
        pytest.importorskip(module, reason=f"not applicable: no {module} in this environment")
    assert len(CELLS) >= 5
    assert len(re.findall(r"^```py$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == len(CELLS)
    files = []
    for number, (code, _) in enumerate(CELLS):
        path = tmp_path / f"cell-{number}.py"
        path.write_text(code, encoding="utf-8")
        files.append(str(path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _RUN, *files],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    for (_, expected), printed in zip(CELLS, done.stdout.split("\0\n"), strict=False):
        # pandas fills lines up with blanks.
        assert [line.rstrip() for line in printed.splitlines()] == expected.splitlines()
