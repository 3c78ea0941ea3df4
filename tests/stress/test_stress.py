"""A short run of ``make stress``."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

SECONDS = 20


@pytest.mark.full
@pytest.mark.timeout(300)
def test_twenty_seconds_of_everything_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.stress", "--seconds", str(SECONDS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "failures 0"), done.stdout + done.stderr
