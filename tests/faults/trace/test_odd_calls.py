"""Whatever Python code calls of the compiled modules, with whatever arguments: it gets an exception, and no crash."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("odd_calls_app.py")


@pytest.mark.parametrize("seed", range(4))
def test_wrong_arguments_raise_and_do_not_crash(seed: int) -> None:
    command = [sys.executable, "-X", "faulthandler", str(PROGRAM), str(seed), "20000"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=100)
    last = b"\n".join(done.stderr.splitlines()[-20:]).decode(errors="replace")
    assert done.returncode == 0, last
    assert done.stdout.endswith(b"survived\n")
