"""Programs that are measured end when whoever started them is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spanwire_bench import _with_parent

PARENT = """
import subprocess, time
from spanwire_bench import _with_parent
with subprocess.Popen([*_with_parent.before("/bin/sleep"), "1000"]) as child:
    print(child.pid, flush=True)
    time.sleep(1000)
"""


def name(pid: int) -> str:
    """Empty of one that is gone, or has ended and is not waited for."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").partition("\0")[0]
    except OSError:
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: only Linux tells a process of its parent's end")
def test_a_program_ends_with_whoever_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            end = time.monotonic() + 30
            while name(child) != "/bin/sleep":  # the process is the program's own
                assert time.monotonic() < end
                time.sleep(0.01)
            parent.kill()
            parent.wait()
            while name(child):
                assert time.monotonic() < end, "it goes on"
                time.sleep(0.01)
        finally:
            parent.kill()
            if name(child):
                os.kill(child, signal.SIGKILL)


def test_what_a_program_is_told_and_says_is_its_own() -> None:
    done = subprocess.run([*_with_parent.before("/bin/echo"), "a", "b c"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a b c\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="not applicable: only Linux tells a process of its parent's end")
def test_a_program_whose_runner_is_gone_already_does_not_begin() -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    environment = {**os.environ, _with_parent.RUNNER: str(gone.pid)}
    command = [*_with_parent.before("/bin/echo"), "a"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
