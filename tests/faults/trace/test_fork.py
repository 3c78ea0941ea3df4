"""A fork in the middle of everything: no id is made twice, by whomever, and nothing hangs or crashes.

Forks of a real application (forking_app.py) whose eight threads make spans all the time; by Python, and from C as uWSGI does.
"""

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT

APP = Path(__file__).with_name("forking_app.py")
ROOTS_OF_A_CHILD = 40  # as there; each has two below it
SECONDS = 300


@pytest.mark.parametrize("way", ["python", "c"])
@pytest.mark.parametrize("forks", [20, pytest.param(200, marks=[pytest.mark.full, pytest.mark.timeout(SECONDS + 60)])])
def test_no_id_of_a_parent_or_child_comes_again(way: str, forks: int) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "ignore::DeprecationWarning", str(APP), way, str(forks)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["failures"] == []
    children, made = answer["children"], answer["made"]
    assert len(children) == forks
    assert {(len(traces), len(spans)) for traces, spans in children} == {(ROOTS_OF_A_CHILD, 3 * ROOTS_OF_A_CHILD + 1)}
    for part, what in enumerate(("trace", "span")):
        ids = Counter(answer["parent"][part])
        for child in children:
            ids.update(child[part])
        assert [number for number, times in ids.items() if times > 1] == [], f"{what} ids that came again"
    assert all(later > earlier for earlier, later in itertools.pairwise(made)), "the threads traced all the time"
