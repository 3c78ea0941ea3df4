"""The fast path is proved at first use, in whatever state the process is then."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

FULL_STACK = """
import spanwire
from tests.spans import span

encode = spanwire.encode_spans

def at_the_end_of_the_stack():
    try:
        at_the_end_of_the_stack()
    except RecursionError:
        encode([])

at_the_end_of_the_stack()
encode([span()])
print(spanwire.stats()["encode"]["fast_path"], spanwire.stats()["encode"]["spans_fast"])
"""


def test_a_first_batch_at_the_end_of_the_stack_does_not_cost_the_fast_path() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_STACK], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    state, fast = done.stdout.rsplit(maxsplit=1)
    assert state.startswith("on"), done.stderr
    assert fast == "1"


# As on an interpreter where what the faster ways rely on was not found; what stats() says then.
FALL_BACKS = {
    "values by traversal": "sdk_probe.INLINE = False",
    "integers by the interpreter's API": "sdk_probe.INTS = ()",
}
FILES = ["unusual_spans", "odd_fields", "odd_keys", "patched_classes", "counts", "groups"]
FALLEN_BACK = """
import sys
import pytest, spanwire
from spanwire.exporter._common import sdk_probe
{change}
spanwire.encode_spans([])
print(spanwire.stats()["encode"]["fast_path"])
sys.exit(pytest.main(["-W", "ignore:Module already imported", *{tests}]))
"""


@pytest.mark.parametrize("way", FALL_BACKS)
def test_each_way_to_read_spans_passes_the_same_tests(way: str) -> None:
    tests = [str(Path(__file__).with_name(f"test_{name}.py")) for name in FILES]
    program = FALLEN_BACK.format(change=FALL_BACKS[way], tests=tests)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4000:]
    state = done.stdout.splitlines()[0]
    assert state.startswith("on, ")
    assert way in state
