"""The fast path is proved at first use, in whatever state the process is then."""

import subprocess
import sys
from pathlib import Path

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
    assert done.stdout.split() == ["on", "1"], done.stderr
