"""A file that is cut short from outside, and a disk that fails: with ``mapping="never"`` the process goes on, and counts what it drops.

A mapped file that is cut short ends it by SIGBUS, which no handler prevents soundly (docs/adr/0014-sigbus.md): shown here too, so that the
page says what is so.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.faults.durable.kills import can_mount

# Makes spans, breaks what is below the queue, and makes spans until 20,000 more have ended and, on a disk that fails, some were dropped.
PROGRAM = """
import fcntl, json, os, pathlib, sys, time
import spanwire
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

folder, endpoint, mapping, how = sys.argv[1:]
exporter = OTLPSpanExporter(endpoint=endpoint, durable=DurableQueue(folder, service="tests", mapping=mapping, recover=False))
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=100))
tracer = provider.get_tracer("tests")
ended = 0

def work(spans):
    global ended
    for _ in range(spans):
        tracer.start_span("work", attributes={"text": "x" * 500}).end()
        ended += 1

def dropped():
    return sum(account["dropped"].get("disk", 0) for account in spanwire.stats()["traces"].values())

work(2_000)
assert provider.force_flush()
if how == "cut":
    for path in pathlib.Path(folder).rglob("*.spans"):
        os.truncate(path, 4096)
else:
    EXT4_IOC_SHUTDOWN, WITHOUT_THE_JOURNAL = 0x8004587D, b"\\x02\\0\\0\\0"
    root = os.open(folder + "/..", os.O_RDONLY)
    fcntl.ioctl(root, EXT4_IOC_SHUTDOWN, WITHOUT_THE_JOURNAL)
    try:
        pathlib.Path(folder, "..", "probe").touch()
        sys.exit("the disk does not fail")
    except OSError:
        pass
work(20_000)
end = time.monotonic() + 60
while how != "cut" and not dropped():
    assert time.monotonic() < end, "nothing is dropped"
    work(2_000)
provider.shutdown()
(account,) = spanwire.stats()["traces"].values()
(report,) = spanwire.stats()["durable"]
print(json.dumps({"ended": ended, "account": account, "report": report}))
"""

# A disk of its own, which the program makes fail. Its image is below the mount, and gone with the namespace.
DISK = """
truncate -s 128M "$1/image"
mkfs.ext4 -q -F "$1/image"
mkdir "$1/disk"
mount -o loop "$1/image" "$1/disk"
shift
exec "$@"
"""


def outcome(place: Path, how: str, mapping: str, endpoint: str) -> "subprocess.CompletedProcess[str]":
    queue = place / "disk" / "queue" if how == "fails" else place / "queue"
    command = [sys.executable, "-c", PROGRAM, str(queue), endpoint, mapping, how]
    if how == "fails":
        if not can_mount():
            pytest.skip("not applicable: only root may mount")
        command = ["unshare", "--mount", "sh", "-ec", DISK, "sh", str(place), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=ROOT)
    if how == "fails" and ("loop" in done.stderr or "mkfs" in done.stderr):
        pytest.skip(f"not applicable: no ext4 on a loop device here: {done.stderr.strip()}")
    return done


@pytest.mark.parametrize(("how", "mapping"), [("cut", "never"), ("fails", "never"), ("fails", "always")])
def test_the_process_goes_on(how: str, mapping: str, tmp_path: Path) -> None:
    """Also with mapped files on a disk that fails, as long as their pages are in memory."""
    with Sink() as sink:
        done = outcome(tmp_path, how, mapping, sink.traces_endpoint)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        account, report = told["account"], told["report"]
        lost = sum(account["dropped"].values())
        assert account["queued"] == 0
        assert account["accepted"] == account["exported"] + lost == told["ended"]
        assert sink.span_count == account["exported"]
        if how == "cut":
            assert lost == 0, account  # memory still has them
        else:
            assert set(account["dropped"]) == {"disk"}, account
            assert report["failures"] > 0
            assert report["last_error"]


def test_a_mapped_file_that_is_cut_short_ends_it_as_the_page_says(tmp_path: Path) -> None:
    with Sink() as sink:
        done = outcome(tmp_path, "cut", "always", sink.traces_endpoint)
        assert done.returncode == -signal.SIGBUS, (done.returncode, done.stderr)
