"""Where every call that writes to the disk takes 200 ms, no ``end()`` waits for one: under the queue's lock and the GIL there is none."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benches.slow_disk import is_supported
from tests.conftest import ROOT

DELAY = "0.2"

pytestmark = pytest.mark.skipif(not is_supported(), reason="not applicable: no filter of system calls here")


def _pauses(case: str, folder: Path, ends: int, fsync: str) -> "dict[str, Any]":
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benches.slow_disk", "--delay", DELAY, "--"),
            *(sys.executable, "-m", "benches.pauses", case, str(folder), str(ends), fsync),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    calls = int(done.stderr.splitlines()[-1].split()[0])
    assert calls > 1, "the disk was slow for it"
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("fsync", ["never", "interval"])
@pytest.mark.parametrize(("case", "ends"), [("burst", 150_000), ("large", 300), ("child", 10), ("mixed", 20_000)])
def test_no_end_waits_for_a_disk_that_is_slow(case: str, ends: int, fsync: str, tmp_path: Path) -> None:
    # A guard against a wait for the disk, not a judgement of this machine: each of its calls takes 200 ms.
    result = _pauses(case, tmp_path / "queue", ends, fsync)
    assert result["over 150 ms"] == 0, result
    if case != "child":
        account = result["account"]
        assert account["accepted"] == account["queued"] + sum(account["dropped"].values()), account
        assert account["accepted"] >= ends - 1
