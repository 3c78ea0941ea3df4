"""What becomes of spans on the disk when a process ends in an orderly way, begins, forks, or finds a folder that is not its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.conftest import ROOT
from tests.processes import python

PRELUDE = """
import os, sys, time
import spanwire
from spanwire.durable import DurableQueue, sync
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

def provider(**words):
    exporter = OTLPSpanExporter(endpoint=sys.argv[2], timeout=1, durable=DurableQueue(sys.argv[1], service="tests", **words))
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made

def books():
    import json
    (account,) = spanwire.stats()["traces"].values()
    print(json.dumps({"accepted": account["accepted"], "exported": account["exported"], "queued": account["queued"], "dropped": account["dropped"]}))
"""


def run(program: str, folder: Path, endpoint: str, *before: str) -> "dict[str, object]":
    done = python("-c", PRELUDE + program, folder, endpoint, before=before, timeout=100, folder=ROOT)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]  # the program says what it is


# Until all that was to be sent of others is sent.
ADOPTED = "assert made._active_span_processor._span_processors[0]._recoverer._recovery._adoption.wait(30)\n"

MAKE = """
made = provider()
tracer = made.get_tracer("tests")
for number in range(1000):
    tracer.start_span(str(number)).end()
"""


def test_what_a_shutdown_cannot_deliver_is_kept_and_sent_by_the_next_start(tmp_path: Path) -> None:
    with Sink() as sink:
        sink.inject(status=503, times=None)
        first = run(MAKE + "made.shutdown()\nbooks()", tmp_path / "queue", sink.traces_endpoint)
        assert first["accepted"] == 1000
        assert first["dropped"] == {"kept": 1000}
        sink.clear_faults()
        second = run(
            "made = provider()\nend = time.monotonic() + 30\n"
            "while not spanwire.stats()['traces'] or list(spanwire.stats()['traces'].values())[0]['exported'] < 1000:\n"
            "    assert time.monotonic() < end\n    time.sleep(0.01)\nmade.shutdown()\nbooks()",
            tmp_path / "queue",
            sink.traces_endpoint,
        )
        assert second["exported"] == 1000
        assert {int(span.name) for span in sink.spans()} == set(range(1000))


def test_a_service_of_another_name_leaves_them_alone(tmp_path: Path) -> None:
    with Sink() as sink:
        sink.inject(status=503, times=None)
        run(MAKE + "made.shutdown()\nbooks()", tmp_path / "queue", sink.traces_endpoint)
        sink.clear_faults()
        other = PRELUDE.replace('service="tests"', 'service="another"')
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                other + "made = provider()\n" + ADOPTED + "made.shutdown()",
                str(tmp_path / "queue"),
                sink.traces_endpoint,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        assert sink.span_count == 0
    (left,) = (tmp_path / "queue").iterdir()
    assert (left / "owner").read_text() == "tests"


def test_delivered_spans_leave_no_folder(tmp_path: Path) -> None:
    with Sink() as sink:
        told = run(MAKE + "made.shutdown()\nbooks()", tmp_path / "queue", sink.traces_endpoint)
    assert (told["exported"], told["dropped"]) == (1000, {})
    assert list((tmp_path / "queue").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="not applicable: only root may mount")
def test_a_full_disk_is_counted_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    shell = f'mount -t tmpfs -o size=60m tmpfs {tmp_path / "small"} && exec "$@"'
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        pytest.skip("not applicable: no mount namespaces here")
    program = """
made = provider()
tracer = made.get_tracer("tests")
for number in range(600_000):
    tracer.start_span(str(number), attributes={"text": "x" * 150}).end()
(account,) = spanwire.stats()["traces"].values()
assert account["accepted"] == account["queued"] + sum(account["dropped"].values()), account
assert account["dropped"]["disk"] > 100_000 and account["queued"] > 100_000, account
books()
os._exit(0)
"""
    with Sink() as sink:
        sink.inject(status=503, times=None)
        run(program, tmp_path / "small" / "queue", sink.traces_endpoint, "unshare", "--mount", "sh", "-c", shell, "sh")


@pytest.mark.parametrize("what", ["link", "writable", "file"])
def test_a_folder_that_is_not_ours_alone_is_refused(what: str, tmp_path: Path) -> None:
    place = tmp_path / "queue"
    if what == "link":
        (tmp_path / "real").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "real")
    elif what == "writable":
        place.mkdir()
        place.chmod(0o777)
    else:
        place.write_text("")
    exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces", durable=DurableQueue(place, service="tests"))
    with pytest.raises(ValueError, match="queue"):
        BatchSpanProcessor(exporter)


def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    with Sink() as sink:
        exporter = OTLPSpanExporter(
            endpoint=sink.traces_endpoint, durable=DurableQueue(tmp_path / "queue", service="tests")
        )
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        provider.get_tracer("tests").start_span("one").end()
        (folder,) = (tmp_path / "queue").iterdir()
        assert [path.stat().st_mode & 0o777 for path in (tmp_path / "queue", folder)] == [0o700, 0o700]
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        provider.shutdown()


def test_what_a_killed_worker_has_left_is_sent_by_the_one_that_is_forked_in_its_place(tmp_path: Path) -> None:
    program = """
made = provider()
tracer = made.get_tracer("tests")

def work(first):
    for number in range(first, first + 500):
        tracer.start_span(str(number)).end()

def forked(run):
    if (pid := os.fork()) == 0:
        run()
        os._exit(0)
    return pid

def killed():
    work(0)
    sync()  # its folder is there
    os.kill(os.getpid(), 9)

def in_its_place():
    work(500)
    end = time.monotonic() + 30
    while not (seen := list(spanwire.stats()["traces"].values())) or seen[0]["exported"] < 1000:
        assert time.monotonic() < end, seen
        time.sleep(0.01)

"""
    program += ADOPTED  # the parent's
    program += """os.waitpid(forked(killed), 0)
_, status = os.waitpid(forked(in_its_place), 0)
assert status == 0, status
print("{}")
"""
    with Sink() as sink:
        run(program, tmp_path / "queue", sink.traces_endpoint)
        assert {int(span.name) for span in sink.spans()} == set(range(1000))


IN_CHILDREN = """
import multiprocessing, time
import spanwire
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

provider = None

def make(folder, endpoint, **words):
    global provider
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=20, durable=DurableQueue(folder, service="tests", recover=False))
    provider = TracerProvider(**words)
    provider.add_span_processor(BatchSpanProcessor(exporter))

def work(number, folder, endpoint, flushes):
    if provider is None:  # it was spawned: handlers of atexit run, and would wait for what is not delivered
        make(folder, endpoint, **({} if flushes else {"shutdown_on_exit": False}))
    provider.get_tracer("tests").start_span(str(number)).end()
    assert provider.force_flush(30_000 if flushes else 300) == flushes  # without, its request is under way and tried again

if __name__ == "__main__":
    import os, sys
    method, folder, endpoint, flushes = sys.argv[1:]
    make(folder, endpoint, shutdown_on_exit=False)
    context = multiprocessing.get_context(method)
    arguments = [(number, folder, endpoint, flushes == "yes") for number in range(4)]
    with context.Pool(2, maxtasksperchild=1) as pool:
        pool.starmap(work, arguments, chunksize=1)
        pool.close()
        began = time.monotonic()
        pool.join()
        assert time.monotonic() - began < 10, "a child was waited for as long as its request is tried"  # a hang guard
    print(len(os.listdir(folder)))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("is_up", [True, False])
def test_children_of_multiprocessing_leave_no_folder_if_all_is_delivered(
    tmp_path: Path, method: str, is_up: bool
) -> None:
    program, folder = tmp_path / "program.py", tmp_path / "queue"
    program.write_text(IN_CHILDREN, encoding="utf-8")
    with Sink() as sink:
        if not is_up:
            sink.inject(status=503, times=None)
        command = [sys.executable, str(program), method, str(folder), sink.traces_endpoint, "yes" if is_up else "no"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        # Of the parent, and of each child that had not delivered.
        assert done.stdout == ("1\n" if is_up else "5\n")
        assert sorted(span.name for span in sink.spans()) == (["0", "1", "2", "3"] if is_up else [])


AT_ITS_EXIT = """
import atexit, multiprocessing, sys
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

def work(folder, endpoint):
    exporter = OTLPSpanExporter(endpoint=endpoint, durable=DurableQueue(folder, service="tests", recover=False))
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    atexit.register(lambda: tracer.start_span("last").end())  # before the provider's
    tracer.start_span("first").end()
    assert provider.force_flush()

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=work, args=sys.argv[1:])
    child.start()
    child.join()
    assert child.exitcode == 0, child.exitcode
"""


FORKS = AT_ITS_EXIT.replace(
    "    assert provider.force_flush()\n",
    """    assert provider.force_flush()
    def forked():
        tracer.start_span("forked").end()
        assert provider.force_flush()
    own = set(os.listdir(folder))
    child = multiprocessing.get_context("fork").Process(target=forked)
    child.start()
    child.join()
    assert child.exitcode == 0 and set(os.listdir(folder)) == own, os.listdir(folder)
""",
).replace("import atexit,", "import atexit, os,")


@pytest.mark.parametrize("forks", [False, True], ids=["alone", "and leaves no folder of one that it forks"])
def test_a_spawned_child_sends_what_ends_in_its_handlers_of_atexit(tmp_path: Path, forks: bool) -> None:
    program, folder = tmp_path / "program.py", tmp_path / "queue"
    program.write_text(FORKS if forks else AT_ITS_EXIT, encoding="utf-8")
    with Sink() as sink:
        command = [sys.executable, str(program), str(folder), sink.traces_endpoint]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert sorted(span.name for span in sink.spans()) == ["first", *(["forked"] if forks else []), "last"]
    assert list(folder.iterdir()) == []


IN_FORKED = """
made = provider(recover=False)
import multiprocessing

def work():
    made.get_tracer("tests").start_span("one").end()
    made.shutdown()

child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
assert child.exitcode == 0, child.exitcode
made.get_tracer("tests").start_span("two").end()  # the parent's goes on
made.shutdown()
books()
"""


def test_a_forked_child_that_shuts_its_provider_down_leaves_no_folder(tmp_path: Path) -> None:
    with Sink() as sink:
        assert run(IN_FORKED, tmp_path / "queue", sink.traces_endpoint)["exported"] == 1
        assert sorted(span.name for span in sink.spans()) == ["one", "two"]
    assert list((tmp_path / "queue").iterdir()) == []


DIES = """
made = provider()
if sys.argv[3] == "with a span":
    made.get_tracer("tests").start_span(sys.argv[4]).end()
time.sleep(0.6)  # less than others would be waited for
os._exit(0)
"""


@pytest.mark.parametrize("what", ["with a span", "without"])
def test_a_service_that_dies_again_and_again_sends_what_it_left_and_fills_no_disk(tmp_path: Path, what: str) -> None:
    folder, starts = tmp_path / "queue", 6
    with Sink() as sink:
        for number in range(starts):
            command = [sys.executable, "-c", PRELUDE + DIES, str(folder), sink.traces_endpoint, what, str(number)]
            subprocess.run(command, check=True, timeout=100, cwd=ROOT)
            # Its own, and one that it may not have come to.
            assert len(list(folder.iterdir())) <= 2
        if what == "with a span":
            assert {span.name for span in sink.spans()} >= {str(number) for number in range(starts - 2)}
