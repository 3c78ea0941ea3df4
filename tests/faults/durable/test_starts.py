"""How a service starts with a folder: as a daemon, on a disk that cannot be written to, without descriptors; and what its children hold."""

from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.faults.durable.kills import can_mount
from tests.left_behind import leave
from tests.processes import python

PRELUDE = """
import json, os, resource, sys, time
import spanwire, spanwire.durable._queue
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

spanwire.durable._queue._RECOVER_AFTER = 0.0
endpoint = sys.argv[1]

def begin(path):
    global provider
    exporter = OTLPSpanExporter(endpoint=endpoint, durable=DurableQueue(path, service="tests"))
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
    return provider

def span(name="fresh"):
    provider.get_tracer("tests").start_span(name).end()

def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, spanwire.stats()
        time.sleep(0.01)

def queue():
    (one,) = spanwire.stats()["durable"]
    return one

def account():
    (one,) = spanwire.stats()["traces"].values()
    return one
"""

DAEMON = """
spanwire.durable._queue._RECOVER_AFTER = 60.0  # none of it in the process that begins
begin("spans")
spanwire.durable._queue._RECOVER_AFTER = 0.0
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
    os._exit(0)
os.chdir("/")
span()
until(lambda: (queue()["recovered"] or {}).get("spans") == 5 and account()["exported"] == 6)
provider.shutdown()
os._exit(0)
"""

READ_ONLY = """
begin("disk/spans")
span()
assert provider.force_flush()
assert account()["dropped"] == {"disk": 1}, account()
assert "Read-only" in queue()["last_error"], queue()
provider.shutdown()
"""

DESCRIPTORS = """
provider_of_imports = begin("first")  # everything is imported
span()
provider.shutdown()
most = resource.getrlimit(resource.RLIMIT_NOFILE)
open_now = {int(name) for name in os.listdir("/proc/self/fd")}
resource.setrlimit(resource.RLIMIT_NOFILE, (max(open_now) + 1, most[1]))
holes = []
while True:
    try:
        holes.append(os.dup(0))
    except OSError:
        break
begin("spans")
resource.setrlimit(resource.RLIMIT_NOFILE, most)
for hole in holes:
    os.close(hole)
(one,) = [one for one in spanwire.stats()["durable"] if "spans" in one["folder"]]
assert one["failures"] >= 1 and "open files" in one["last_error"], one

def arrives():
    span()
    provider.force_flush()
    return account()["exported"] >= 2

until(arrives)
provider.shutdown()
"""

CHILD = """
begin("spans")
span()
held = lambda: [
    where for name in os.listdir("/proc/self/fd")
    if (where := os.path.realpath(f"/proc/self/fd/{name}")).endswith(".spans")
]
maps = lambda: [line for line in open("/proc/self/maps") if ".spans" in line]
is_mapped = queue()["not_mapped"] is None
assert bool(maps()) == is_mapped
assert bool(held()) != is_mapped, held()
if is_mapped:
    child = os.fork()
    if not child:
        os._exit(1 if held() or maps() else 0)
    assert os.waitpid(child, 0)[1] == 0
assert provider.force_flush()
provider.shutdown()
"""


def run(program: str, folder: Path, sink: Sink, *before: str) -> None:
    arguments = ("-c", PRELUDE + program, sink.traces_endpoint)
    python(*arguments, before=before, folder=folder, timeout=120, variables={"PYTHONPATH": str(ROOT)})


def test_a_daemon_that_changes_its_folder_keeps_that_of_its_spans(tmp_path: Path) -> None:
    leave(tmp_path / "spans", "tests", 5)
    with Sink() as sink:
        run(DAEMON, tmp_path, sink)
        assert sorted(span.name for span in sink.spans()) == ["0", "1", "2", "3", "4", "fresh"]


def test_a_service_starts_on_a_disk_that_cannot_be_written_to(tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("not applicable: no mount namespaces here")
    (tmp_path / "disk").mkdir(mode=0o700)
    shell = f'mount -t tmpfs -o ro,mode=0700 tmpfs {tmp_path / "disk"} && exec "$@"'
    with Sink() as sink:
        run(READ_ONLY, tmp_path, sink, "unshare", "--mount", "sh", "-c", shell, "sh")
        assert sink.span_count == 0


def test_a_service_starts_without_descriptors(tmp_path: Path) -> None:
    with Sink() as sink:
        run(DESCRIPTORS, tmp_path, sink)
        assert sink.span_count >= 2


def test_neither_a_process_nor_its_children_have_descriptors_of_mapped_files(tmp_path: Path) -> None:
    with Sink() as sink:
        run(CHILD, tmp_path, sink)
        assert sink.span_count == 1
