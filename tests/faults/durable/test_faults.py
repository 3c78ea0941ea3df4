"""Recovering while others do, or until it is interrupted; and what a running service makes of a folder that is taken away from it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.faults.durable.damage import SPANS, copy, make
from tests.faults.durable.kills import can_mount, small_disk, until

PROCESSES = 4  # that have left spans, the same ones each

PRELUDE = """
import json, os, resource, shutil, signal, sys, time
import spanwire
import spanwire.durable._queue
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

spanwire.durable._queue._RECOVER_AFTER = 0.0
queue, endpoint = sys.argv[1:]
number = 0

def begin():
    global made, tracer
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=1, durable=DurableQueue(queue, service="victim"))
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
    tracer = made.get_tracer("tests")

def spans(count, text=""):
    global number
    for number in range(number, number + count):
        tracer.start_span(str(number), attributes={"text": text}).end()
    number += 1

def folder():
    (one,) = [report["folder"] for report in spanwire.stats()["durable"]]
    return one

def account():
    (one,) = spanwire.stats()["traces"].values()
    return one

def until(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, (what, spanwire.stats())
        time.sleep(0.01)

def is_noticed():
    return any(report["failures"] for report in spanwire.stats()["durable"])

def add_up():
    one = account()
    assert one["accepted"] >= number, one

def say(word):
    print(word, flush=True)
    assert sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("left"), 3)


@pytest.fixture
def queue(base: Path, tmp_path: Path) -> Path:
    """Of several processes."""
    there = tmp_path / "queue"
    there.mkdir(mode=0o700)
    for process in range(PROCESSES):
        copy(base, tmp_path / str(process)).rename(there / f"{process:032x}")
    return there


def begin(queue: Path, sink: Sink, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "spanwire", "recover", str(queue), "--endpoint", sink.http_endpoint, "--json"]
    return subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def end(process: "subprocess.Popen[str]") -> "tuple[int, dict[str, object]]":
    out, err = process.communicate(timeout=100)
    assert out.startswith("{"), err
    return process.returncode, json.loads(out)


def recover(queue: Path, sink: Sink, *words: str) -> "tuple[int, dict[str, object]]":
    return end(begin(queue, sink, *words))


def arrived(sink: Sink) -> "Counter[str]":
    return Counter(span.name for span in sink.spans())


def assert_whole(sink: Sink, queue: Path) -> int:
    """All of all processes are there; how many came twice."""
    counts = arrived(sink)
    assert len(counts) == SPANS
    assert min(counts.values()) >= PROCESSES
    assert list(queue.iterdir()) == []
    return counts.total() - SPANS * PROCESSES


def test_two_recoverers_at_once_send_each_span_once(queue: Path) -> None:
    with Sink() as sink:
        sink.inject(delay=0.05, times=None)
        both = [begin(queue, sink), begin(queue, sink)]
        results = [end(process) for process in both]
        assert {status for status, _ in results} <= {0, 1}, results
        sink.clear_faults()
        assert recover(queue, sink)[0] == 0
        assert assert_whole(sink, queue) == 0, results


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_recoverer_that_is_interrupted_loses_nothing(how: signal.Signals, queue: Path) -> None:
    with Sink() as sink:
        sink.schedule([None])
        sink.inject(delay=2, times=None)  # so that it has not ended when it is interrupted
        process = begin(queue, sink)
        until(lambda: sink.span_count > 0, "something arrives")
        process.send_signal(how)
        if how is signal.SIGKILL:
            process.communicate(timeout=60)
        else:
            status, told = end(process)
            assert status == 130
            assert told["left"]
        sink.clear_faults()
        assert recover(queue, sink)[0] == 0
        # Of one process what was under way.
        assert assert_whole(sink, queue) <= SPANS


@pytest.mark.parametrize("backend", ["unavailable", "gone"])
def test_while_the_backend_is_down_everything_stays(backend: str, queue: Path) -> None:
    with Sink() as sink:
        if backend == "unavailable":
            sink.inject(status=503, times=None)
            status, told = recover(queue, sink, "--patience", "0.5")
        else:
            status, told = recover(queue, sink, "--patience", "0.5", "--endpoint", "http://127.0.0.1:9")
        assert (status, told["left"], told["delivered"]) == (1, SPANS * PROCESSES, 0)
        assert told["last_error"] or told["dropped"] == {}
        sink.clear_faults()
        assert recover(queue, sink)[0] == 0
        assert assert_whole(sink, queue) == 0


def test_a_span_that_the_backend_refuses_is_counted(queue: Path) -> None:
    with Sink() as sink:
        sink.inject(status=400, times=None)
        status, told = recover(queue, sink)
        assert (status, told["left"], told["dropped"]) == (1, 0, {"refused": SPANS * PROCESSES})


def test_a_service_that_starts_while_somebody_recovers_takes_what_nobody_has(queue: Path) -> None:
    program = "begin()\nspans(1000)\nsay('ready')\nmade.shutdown()\nadd_up()"
    with Sink() as sink:
        sink.inject(delay=0.05, times=None)
        process = begin(queue, sink)
        with run(program, queue, sink.traces_endpoint) as service:
            hear(service, "ready")
            assert end(process)[0] in (0, 1)
            sink.clear_faults()
            finish(service)
        assert recover(queue, sink)[0] == 0
        counts = arrived(sink)
        assert len(counts) == SPANS
        assert all(counts[str(number)] >= PROCESSES + (number < 1000) for number in range(SPANS))
        assert list(queue.iterdir()) == []


def run(program: str, queue: Path, endpoint: str, *before: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-c", PRELUDE + program, str(queue), endpoint],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def hear(service: "subprocess.Popen[str]", word: str) -> None:
    assert service.stdout is not None
    assert service.stderr is not None
    line = service.stdout.readline()
    assert line == f"{word}\n", line + service.stderr.read()


def answer(service: "subprocess.Popen[str]") -> None:
    assert service.stdin is not None
    service.stdin.write("\n")
    service.stdin.flush()


def finish(service: "subprocess.Popen[str]", status: int = 0) -> None:
    _, err = service.communicate("\n", timeout=100)
    assert service.returncode == status, err


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_bound_on_the_size_of_files_kills_nobody(when: str, tmp_path: Path) -> None:
    bound = (
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, resource.RLIM_INFINITY))\n"
    )
    if when == "before":
        program = (
            bound
            + "try:\n    begin()\nexcept ValueError as error:\n    assert 'ulimit' in str(error), error\n    say('refused')"
        )
    else:
        program = (
            "begin()\n" + bound + "spans(60_000, 'x' * 900)\nadd_up()\n"
            "assert account()['dropped']['disk'] > 1000, account()\nuntil(is_noticed, 'no file')\nsay('refused')"
        )
    with Sink() as sink:
        sink.inject(status=503, times=None)
        with run(program, tmp_path / "queue", sink.traces_endpoint) as service:
            hear(service, "refused")
            service.kill()
            service.communicate()


@pytest.fixture
def place() -> "Iterator[tuple[Path, tuple[str, ...]]]":
    """A folder of a user who may not do everything, and the words that make a process one of theirs."""
    with tempfile.TemporaryDirectory() as text:
        before: tuple[str, ...] = ()
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("not applicable: there is no setpriv")
            before = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
            os.chown(text, 65534, 65534)
            tried = subprocess.run([*before, sys.executable, "-c", "import spanwire"], check=False, capture_output=True)
            if tried.returncode != 0:
                pytest.skip("not applicable: another user cannot run this Python")
        yield Path(text), before


def test_permission_that_is_lost_is_counted_and_comes_back(place: "tuple[Path, tuple[str, ...]]") -> None:
    program = """
begin()
spans(100)
os.chmod(folder(), 0o500)
spans(60_000, "x" * 900)
assert account()["dropped"]["disk"] > 1000, spanwire.stats()
until(is_noticed, "no file can be made")
os.chmod(folder(), 0o700)
say("lost")
until(lambda: not account()["queued"], "all is delivered")

def a_thousand():
    before = dict(account()["dropped"])
    spans(1_000, "x" * 900)
    until(lambda: not account()["queued"], "they are delivered")  # then their blocks are used again
    return account()["dropped"] == before

until(a_thousand, "the thread can make files again, and has")
dropped = dict(account()["dropped"])
before = account()["exported"]
assert all(a_thousand() for _ in range(20)), (dropped, account())
made.force_flush()
assert account()["dropped"] == dropped and account()["exported"] == before + 20_000, (dropped, account())
made.shutdown()
assert account()["accepted"] == number == account()["exported"] + sum(account()["dropped"].values()), account()
"""
    queue, before = place[0] / "queue", place[1]
    with Sink(max_bytes=1 << 30) as sink:
        sink.inject(status=503, times=None)
        with run(program, queue, sink.traces_endpoint, *before) as service:
            hear(service, "lost")
            sink.clear_faults()
            finish(service)


def test_a_file_that_may_not_be_read_stays_and_is_named(place: "tuple[Path, tuple[str, ...]]", base: Path) -> None:
    queue, before = place[0] / "queue", place[1]
    folder = copy(base, queue)
    (file,) = list(folder.glob("*.spans"))[:1]
    file.chmod(0)
    if before:
        for path in (queue, folder, *folder.iterdir()):
            os.chown(path, 65534, 65534)
    with Sink() as sink:
        command = [*before, sys.executable, "-m", "spanwire", "recover", str(queue), "--endpoint", sink.http_endpoint]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
        assert done.returncode == 1, done.stderr
        (name, why), *_ = json.loads(done.stdout)["files"]
        assert (Path(name).name, "denied" in why) == (file.name, True), why
        file.chmod(0o600)
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(arrived(sink)) == SPANS
    assert list(queue.iterdir()) == []


TAKEN = {
    "the process's folder is deleted": "shutil.rmtree(folder())",
    "a file is deleted": "[os.remove(os.path.join(folder(), name)) for name in os.listdir(folder()) if name.endswith('.spans')]",
    "the lock is deleted": "os.remove(os.path.join(folder(), 'lock'))",
    "the folder of all is deleted": "shutil.rmtree(queue)",
    "the folder of all is replaced": "os.rename(queue, queue + '.old')\nos.mkdir(queue, 0o700)",
    "the folder of all is another's": "os.rename(queue, queue + '.old')\nos.symlink('/nowhere', queue)",
}


@pytest.mark.parametrize("taken", TAKEN)
def test_a_folder_that_is_taken_away_breaks_nothing(taken: str, tmp_path: Path) -> None:
    program = f"""
begin()
spans(3_000)
{TAKEN[taken]}
spans(3_000)
until(is_noticed, "that it is gone")
spans(3_000)
add_up()
say("noticed")
made.force_flush(20_000)
made.shutdown()
assert account()["accepted"] == 9_000 == account()["exported"] + sum(account()["dropped"].values()), account()
"""
    with Sink() as sink:
        sink.inject(status=503, times=None)
        with run(program, tmp_path / "queue", sink.traces_endpoint) as service:
            hear(service, "noticed")
            sink.clear_faults()
            finish(service)
        counts = arrived(sink)
        # What was in memory is delivered; only where there can be no folder any more later ones go.
        assert {str(number) for number in range(6_000)} <= set(counts)
        if "another" not in taken:
            assert len(counts) == 9_000


@pytest.mark.parametrize("taken", ["the process's folder is deleted", "the folder of all is replaced"])
def test_what_is_ended_in_a_new_folder_outlives_a_kill(taken: str, tmp_path: Path) -> None:
    """From the next block on, which is 1 MiB: the one that is being filled stays where it was."""
    program = f"""
begin()
spans(3_000)
{TAKEN[taken]}
until(is_noticed, "that it is gone")
until(lambda: [report["files"] for report in spanwire.stats()["durable"]] == [2], "a file in the new folder, beside what is lost")
number = 10_000
spans(6_000, "x" * 400)
say("ready")
"""
    with Sink() as sink:
        sink.inject(status=503, times=None)
        with run(program, tmp_path / "queue", sink.traces_endpoint) as service:
            hear(service, "ready")
            service.kill()
            service.communicate()
        sink.clear_faults()
        assert recover(tmp_path / "queue", sink)[0] == 0
        assert {str(number) for number in range(13_000, 16_000)} <= set(arrived(sink))
        if (tmp_path / "queue.old").exists():
            assert recover(tmp_path / "queue.old", sink)[0] == 0
            assert {str(number) for number in range(3_000)} <= set(arrived(sink))


FULL = """
disk = os.path.dirname(queue)

def fill():
    if what == "bytes":
        with open(disk + "/fill", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return
    try:
        for number in range(1000):
            open(f"{disk}/fill{number}", "wb").close()
    except OSError:
        return

def make_room():
    for name in os.listdir(disk):
        if name.startswith("fill"):
            os.remove(f"{disk}/{name}")

def report():
    (one,) = spanwire.stats()["durable"]
    return one

if who == "a child":
    begin()
    spans(10)
    fill()
    if os.fork():
        os.wait()
        os.kill(os.getpid(), signal.SIGKILL)
else:
    fill()
    begin()
before = account()["dropped"].get("disk", 0)
first = number
spans(3_000)
# The first of a child are in memory, unless its disk thread knows before them that there is no room.
lost = account()["dropped"].get("disk", 0) - before
assert 0 <= lost <= 3_000 and (who == "a child" or lost == 3_000), spanwire.stats()
until(lambda: report()["failures"], "it is known")
assert report()["folder"] == queue, spanwire.stats()
assert "space" in report()["last_error"], spanwire.stats()
assert not os.path.exists(queue) or len(os.listdir(queue)) == (who == "a child"), os.listdir(queue)
until(lambda: report()["failures"] > 1, "it is tried again")
make_room()
until(lambda: report()["folder"] != queue and report()["files"], "there is a folder, and a file in it")
spans(3_000)
assert account()["dropped"].get("disk", 0) == before + lost, spanwire.stats()
spanwire.durable.sync()
say(f"{first} {lost}")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("what", ["bytes", "names"])
@pytest.mark.parametrize("who", ["a service", "a child"])
def test_who_starts_on_a_full_disk_keeps_spans_as_soon_as_there_is_room(who: str, what: str, tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("not applicable: no mount namespaces here")
    disk = tmp_path / "disk"
    disk.mkdir()
    program = f"who, what = {who!r}, {what!r}\n{FULL}"
    first = 10 if who == "a child" else 0
    with Sink() as sink, small_disk(disk, "100m,nr_inodes=64") as before:
        sink.inject(status=503, times=None)
        with run(program, disk / "queue", sink.traces_endpoint, *before) as service:
            assert service.stdout is not None
            assert service.stderr is not None
            said = service.stdout.readline().split() or [service.stderr.read()]
            answer(service)
            service.communicate(timeout=60)
        sink.clear_faults()
        command = [*before, sys.executable, "-m", "spanwire", "recover", str(disk / "queue")]
        done = subprocess.run(
            [*command, "--endpoint", sink.http_endpoint, "--json"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert said[0] == str(first), said
        counts = arrived(sink)
        kept = {str(number) for number in [*range(first), *range(first + 3_000, first + 6_000)]}
        assert kept <= set(counts) <= {str(number) for number in range(first + 6_000)}
        assert len(counts) == first + 6_000 - int(said[1])
