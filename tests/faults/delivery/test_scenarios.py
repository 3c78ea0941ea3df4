"""Every scenario of ``make faults``, five times as fast."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("protocol", ["http/protobuf"])
def test_no_scenario_fails(protocol: str) -> None:
    command = [sys.executable, "-m", "tests.faults.delivery", "--seed", "1", "--scale", "0.2", "--protocol", protocol]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.splitlines()[-1] == "failures 0"
