"""Where a file system cannot promise what mapped memory needs, a thread writes what waits: told, and nearly as safe."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.faults.durable.kills import can_mount

# An overlay whose upper folder cannot be seen, as in a container.
MOUNT = """
mkdir "$1/layers" "$1/merged"
mount -t tmpfs tmpfs "$1/layers"
mkdir "$1/layers/lower" "$1/layers/upper" "$1/layers/work"
mount -t overlay overlay -o "lowerdir=$1/layers/lower,upperdir=$1/layers/upper,workdir=$1/layers/work" "$1/merged"
umount --lazy "$1/layers"
shift
exec "$@"
"""

PROGRAM = """
import json, os, pathlib, sys, time
import spanwire
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces", timeout=1, durable=DurableQueue(sys.argv[1], service="victim"))
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("tests")
for number in range(30_000):
    tracer.start_span(str(number), attributes={"text": "x" * (number % 100)}).end()
how = sys.argv[2]
if how == "sync":
    spanwire.durable.sync()
elif how == "soon":
    end = time.monotonic() + 40  # it is written within 10 ms on a machine that is idle
    while not any(b"29999" in path.read_bytes() for path in pathlib.Path(sys.argv[1]).rglob("*.spans")):
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(1)  # and then what says so
elif how == "shutdown":
    provider.shutdown()
print(json.dumps(spanwire.stats()["durable"]), flush=True)
os.kill(os.getpid(), 9)
"""


def in_overlay(place: Path, *command: str, script: str = MOUNT) -> "subprocess.CompletedProcess[str]":
    if not can_mount():
        pytest.skip("not applicable: only root may mount")
    return subprocess.run(
        ["unshare", "--mount", "sh", "-ec", script, "sh", str(place), *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=ROOT,
    )


@pytest.mark.parametrize("how", ["sync", "soon", "shutdown"])
def test_what_a_thread_has_written_outlives_a_kill(how: str, tmp_path: Path) -> None:
    queue = str(tmp_path / "merged" / "queue")
    with Sink() as sink:
        both = f"""
import subprocess, sys
killed = subprocess.run([sys.executable, "-c", {PROGRAM!r}, {queue!r}, {how!r}], stdout=subprocess.PIPE, text=True, timeout=60)
print(killed.stdout.strip())
print(killed.returncode)
sent = subprocess.run([sys.executable, "-m", "spanwire", "recover", {queue!r}, "--endpoint", {sink.http_endpoint!r}, "--json"])
sys.exit(sent.returncode)
"""
        done = in_overlay(tmp_path, sys.executable, "-c", both)
        assert done.returncode == 0, done.stderr
        told, status = done.stdout.splitlines()[:2]
        assert int(status) == -signal.SIGKILL
        (report,) = json.loads(told)
        assert (report["file_system"], report["not_mapped"]) == ("overlay", "overlay")
        assert sorted(int(span.name) for span in sink.spans()) == list(range(30_000))


# One whose upper folder can be seen; its name and its place have characters that mountinfo escapes.
SEEN = MOUNT.replace('umount --lazy "$1/layers"\n', "")


@pytest.mark.parametrize("name", ["plain", "with blanks and, a comma"])
def test_the_upper_folder_of_an_overlay_decides_however_it_is_named(name: str, tmp_path: Path) -> None:
    place = tmp_path / name.replace(",", "")  # overlayfs divides its own options by it
    place.mkdir()
    queue = str(place / "merged" / "queue")
    done = in_overlay(place, sys.executable, "-c", PROGRAM, queue, "at once", script=SEEN)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (report,) = json.loads(done.stdout)
    assert (report["file_system"], report["not_mapped"]) == ("overlay on tmpfs", None)


@pytest.mark.parametrize(("mapping", "is_mapped"), [("auto", False), ("always", True)])
def test_another_file_system_is_mapped_only_if_it_is_wanted(mapping: str, is_mapped: bool, tmp_path: Path) -> None:
    queue = str(tmp_path / "merged" / "queue")
    environment = ("env", f"SPANWIRE_DURABLE_MAPPING={mapping}")
    # The program's DurableQueue has its keywords only: the environment is for a path that is given.
    program = PROGRAM.replace('DurableQueue(sys.argv[1], service="victim")', "sys.argv[1]")
    done = in_overlay(tmp_path, *environment, sys.executable, "-c", program, queue, "at once")
    assert done.returncode == -signal.SIGKILL, done.stderr
    (report,) = json.loads(done.stdout)
    assert (report["file_system"], report["not_mapped"] is None) == ("overlay", is_mapped)


def test_doctor_says_so(tmp_path: Path) -> None:
    queue = str(tmp_path / "merged" / "queue")
    done = in_overlay(tmp_path, "env", f"SPANWIRE_DURABLE_PATH={queue}", sys.executable, "-m", "spanwire", "doctor")
    assert "not mapped, since the file system (overlay) cannot promise" in " ".join(done.stdout.split()), (
        done.stdout + done.stderr
    )


def test_elsewhere_files_are_mapped(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "queue"), "at once"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    (report,) = json.loads(done.stdout)
    assert (report["not_mapped"], report["failures"]) == (None, 0)
    assert report["file_system"] in {"ext4", "xfs", "tmpfs", "overlay on ext4", "overlay on xfs", "overlay on tmpfs"}
