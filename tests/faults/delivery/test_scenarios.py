"""Every scenario of ``make faults``, five times as fast over HTTP, ten times in the other protocols."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("protocol", "scale"), [("http/protobuf", 0.2), ("grpc", 0.1), ("http/json", 0.1)])
def test_no_scenario_fails(protocol: str, scale: float) -> None:
    command = [sys.executable, "-m", "tests.faults.delivery", "--seed", "1"]
    command += ["--scale", str(scale), "--protocol", protocol, "--at-once", "8"]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.splitlines()[-1] == "failures 0"
