"""However spans are made, used and dropped, nothing is left of them: memory stays level, and no reference is kept or lost.

Each way (leaking_app.py) runs in a process of its own. ``make test-full`` makes ten million spans each of the commonest two
ways, and half a million each of the others.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

APP = Path(__file__).with_name("leaking_app.py")

# Names of the ways, without importing what makes the program's globals.
CASES = [
    node.name
    for node in ast.parse(APP.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and any(ast.unparse(mark).startswith("case(") for mark in node.decorator_list)
]
TEN_MILLION = {"w5", "unsampled"}
# So slow that fewer must do.
FEWER = {"short_threads": 100_000, "reading_back": 100_000}

SPANS = 200_000
# Blocks, of all the spans together. CPython's free lists fill and empty by luck, some hundreds whatever the number of spans.
BLOCKS = 1_000
GROWTH = 1 << 20  # bytes, of all the spans together; 200,000 leaked objects of 16 bytes are three times that


def left_after(case: str, spans: int) -> dict[str, Any]:
    if not Path("/proc/self/statm").exists():
        pytest.skip("not applicable: no /proc")
    # One arena: which of several a thread gets is luck, and each grows by itself.
    environment = os.environ | {"MALLOC_ARENA_MAX": "1", "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(APP), case, str(spans)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def assert_nothing_left(case: str, spans: int) -> None:
    left = left_after(case, spans)
    assert left["after"] == left["before"]
    assert abs(left["none"]) < 1_000  # one a span would be hundreds of thousands; the interpreter's own come and go
    # From the first checkpoint on: what warms up has done so by then.
    first, *_, last = left["resident"][1:]
    assert last - first < GROWTH, left["resident"]
    first, *_, last = left["blocks"][1:]
    assert last - first < BLOCKS, left["blocks"]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_spans_leave_nothing(case: str) -> None:
    assert_nothing_left(case, min(SPANS, FEWER.get(case, SPANS)))


@pytest.mark.full
@pytest.mark.parametrize("case", CASES)
def test_millions_of_spans_leave_nothing(case: str) -> None:
    assert_nothing_left(case, 10_000_000 if case in TEN_MILLION else 500_000)


def test_a_leak_is_seen(tmp_path: Path) -> None:
    """The same program with a way that keeps a hundred bytes and a reference of each span."""
    broken = tmp_path / "leaking_app.py"
    text = APP.read_text(encoding="utf-8").replace(
        "            span.set_attribute(key, big)\n", "            kept.append(bytes(70)); names.append(name)\n"
    )
    broken.write_text("kept, names = [], []\n" + text, encoding="utf-8")
    globals_app = globals()["APP"]
    globals()["APP"] = broken
    try:
        left = left_after("w5", SPANS)
    finally:
        globals()["APP"] = globals_app
    assert left["after"]["name"] > left["before"]["name"]
    assert left["resident"][-1] - left["resident"][1] > GROWTH
    assert left["blocks"][-1] - left["blocks"][1] > 200
