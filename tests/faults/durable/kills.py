"""What a kill needs: victims, the weather at their backend, a disk that is soon full, and the books of what came of it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.faults.durable.victim import CHILD, THREADS

ENOUGH = 20  # spans a kill, else it is no test
BETWEEN = 10_000_000  # the numbers of one victim's spans, its child's included
BACKENDS = "up", "down", "flapping", "slow"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@dataclass
class Books:
    """Of a case: what became of all spans of all its victims."""

    kills: int
    ended: int
    arrived: int
    lost: int
    """Ended, not arrived, and neither counted by a victim as dropped nor what it may have had in memory alone."""
    dropped: int
    """Counted by victims."""
    duplicates: int
    strangers: int
    """Arrived though their end() has not returned: the kill came within."""
    left: list[str] = field(default_factory=list)

    def row(self) -> str:
        numbers = (self.kills, self.ended, self.arrived, self.dropped, self.lost, self.duplicates)
        return " | ".join(f"{number:,}" for number in numbers)


HEAD = "case | kills | spans ended | arrived | counted as dropped | lost | duplicates"


class Scene:
    """A folder, a backend, and those who are killed."""

    def __init__(self, place: Path, sink: Sink, chance: random.Random) -> None:
        self.place, self.sink, self.chance = place, sink, chance
        self.queue = place / "queue"
        self.journal = place / "journal"
        self.before: tuple[str, ...] = ()
        self.kills = 0
        self.alive: set[int] = set()
        self._first = -BETWEEN

    def start(self, *words: str) -> "Victim":
        self._first += BETWEEN
        command = [sys.executable, "-m", "tests.faults.durable.victim", str(self.queue), self.sink.traces_endpoint]
        return Victim(self, [*self.before, *command, str(self._first), str(self.journal), *words], "fork" in words)

    def recoverer(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "spanwire", "recover", str(self.queue), "--endpoint", self.sink.http_endpoint]
        return subprocess.Popen(
            [*self.before, *command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )

    def recover(self) -> None:
        with self.recoverer() as process:
            out, err = process.communicate(timeout=100)
        assert process.returncode == 0, out + err

    def lines(self) -> list[tuple[int, int]]:
        """Numbers of spans that have ended, and how many their process had dropped by then. The last line may be half of one."""
        text = self.journal.read_text() if self.journal.exists() else ""
        return [
            (int(number), int(dropped)) for number, dropped in map(str.split, text[: text.rfind("\n") + 1].splitlines())
        ]

    def weather(self, kind: str) -> None:
        self.sink.clear_faults()
        if kind == "down" or (kind == "flapping" and self.chance.random() < 0.5):
            self.sink.inject(status=503, times=None)
        elif kind == "slow":
            self.sink.inject(delay=0.3, times=None)

    def books(self, in_memory: int) -> Books:
        lines = self.lines()
        ended = {number for number, _ in lines}
        dropped: Counter[int] = Counter()
        for number, count in lines:
            dropped[number // BETWEEN] = max(dropped[number // BETWEEN], count)
        arrived = Counter(int(span.name) for span in self.sink.spans())
        arrived.pop(-1, None)
        missing = Counter(number // BETWEEN for number in ended - set(arrived))
        lists = subprocess.run([*self.before, "ls", str(self.queue)], capture_output=True, text=True, check=True)
        return Books(
            kills=self.kills,
            ended=len(ended),
            arrived=len(ended & set(arrived)),
            lost=sum(max(0, count - dropped[victim] - in_memory) for victim, count in missing.items()),
            dropped=dropped.total(),
            duplicates=arrived.total() - len(arrived),
            strangers=len(set(arrived) - ended),
            left=lists.stdout.split(),
        )


class Victim:
    """A process, or a process and its child, making spans."""

    def __init__(self, scene: Scene, command: list[str], has_child: bool) -> None:
        self.scene = scene
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=ENVIRONMENT
        )
        assert self.process.stdout is not None
        pids = {int(self.process.stdout.readline()) for _ in range(1 + has_child)}
        # By nsenter the process that is there is the one that was begun: it executes.
        self.parent = self.process.pid
        scene.alive |= pids
        assert self.parent in pids
        self.child = next(iter(pids - {self.parent}), None)

    def kill(self, *which: "int | None") -> None:
        """Kills the process and its child, or one of both; they are gone then."""
        pids = [pid for pid in which or (self.parent, self.child) if pid is not None]
        self.scene.chance.shuffle(pids)
        handles = [os.pidfd_open(pid) for pid in pids]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            self.scene.kills += 1
            self.scene.alive.discard(pid)
        for handle in handles:
            assert select([handle], [], [], 60)[0], "a killed process does not end"
            os.close(handle)
        if self.parent in pids:
            self.process.wait(60)
            if self.process.stdout is not None:
                self.process.stdout.close()

    def end(self) -> "dict[str, Any]":
        """Shuts an orderly one down; its books."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=100)
        assert self.process.returncode == 0
        self.scene.alive.discard(self.parent)
        return json.loads(out.splitlines()[-1])  # type: ignore[no-any-return]  # the victim says what it is


def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.005)


@contextmanager
def small_disk(place: Path, size: str = "40m") -> Iterator[tuple[str, ...]]:
    """Has `place` be a disk of so many bytes for what is begun by the command that it gives."""
    shell = f"mount -t tmpfs -o size={size},mode=0700 tmpfs {place} && echo ready && exec sleep 1000"
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", shell], stdout=subprocess.PIPE, text=True) as keeper:
        try:
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == "ready\n"
            yield ("nsenter", f"--mount=/proc/{keeper.pid}/ns/mnt", "--wd=" + str(ROOT))
        finally:
            keeper.kill()


def can_mount() -> bool:
    with suppress(FileNotFoundError):
        return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0
    return False


def at_random(scene: Scene, backend: str, *words: str) -> None:
    """One kill of all there is, at a random moment."""
    scene.weather(backend)
    victim = scene.start(*words)
    time.sleep(scene.chance.random() * 0.5)
    if backend == "flapping":
        scene.weather(backend)
        time.sleep(scene.chance.random() * 0.2)
    victim.kill()


def one_of_both(scene: Scene, is_parent_first: bool) -> None:
    """The other one lives on, and what the dead one left is delivered beside it."""
    scene.weather("down" if scene.chance.random() < 0.5 else "up")
    victim = scene.start("fork")
    time.sleep(scene.chance.random() * 0.3)
    first, second = victim.parent, victim.child
    if not is_parent_first:
        first, second = second, first  # type: ignore[assignment]  # there is a child
    victim.kill(first)
    before = of_child = len([1 for number, _ in scene.lines() if (number % BETWEEN >= CHILD) == is_parent_first])

    def goes_on() -> bool:
        nonlocal of_child
        of_child = len([1 for number, _ in scene.lines() if (number % BETWEEN >= CHILD) == is_parent_first])
        return of_child > before + 200

    until(goes_on, "the one that lives makes spans")
    scene.sink.clear_faults()
    scene.recover()
    until(goes_on, "and goes on")
    victim.kill(second)


def full_disk(scene: Scene) -> None:
    """The disk is full for a time; in half of the rounds the backend comes back before the kill."""
    scene.weather("down")
    victim = scene.start("big", "counts")
    seen = len(scene.lines())
    until(lambda: any(dropped > 100 for _, dropped in scene.lines()[seen:]), "the disk is full")
    if scene.chance.random() < 0.5:
        scene.sink.clear_faults()
        arrived = scene.sink.span_count
        until(lambda: scene.sink.span_count > arrived + 1000, "the backend takes spans again")
    time.sleep(scene.chance.random() * 0.3)
    victim.kill()
    scene.sink.clear_faults()
    scene.recover()  # so that the next one finds room


def while_adopting(scene: Scene) -> None:
    """A victim leaves spans; who sends them is killed as well: ``spanwire recover``, and a service that starts."""
    scene.weather("down")
    victim = scene.start()
    time.sleep(0.2 + scene.chance.random() * 0.3)
    victim.kill()
    kill_adopter(scene, is_service=False)
    kill_adopter(scene, is_service=True)


def kill_adopter(scene: Scene, *, is_service: bool) -> None:
    scene.sink.clear_faults()
    scene.sink.inject(delay=0.02, times=None)
    requests = scene.sink.request_count
    heir = scene.start("recover") if is_service else None
    process = scene.recoverer() if heir is None else heir.process
    until(lambda: scene.sink.request_count > requests or process.poll() is not None, "something is sent")
    time.sleep(scene.chance.random() * 0.1)
    if heir is not None:
        heir.kill()
    else:
        process.kill()
        process.communicate()
        scene.kills += 1


def shut_down_while_adopting(scene: Scene) -> None:
    """Who adopts ends in an orderly way while the backend takes nothing: its own spans and those of others stay, counted as kept."""
    scene.weather("down")
    victim = scene.start()
    time.sleep(0.2 + scene.chance.random() * 0.3)
    victim.kill()
    if scene.chance.random() < 0.5:
        scene.sink.clear_faults()
        scene.sink.inject(delay=60, times=None)  # longer than anybody waits
    heir = scene.start("recover", "orderly")
    time.sleep(0.3 + scene.chance.random() * 0.5)
    told = heir.end()
    assert told["exported"] == told["queued"] == 0, told
    assert told["dropped"] == {"kept": told["accepted"]}, told
    assert told["recovered"]["error"] is None, told


@dataclass(frozen=True)
class Case:
    """What is played again and again."""

    play: Callable[[Scene], None]
    under_way: int = 2
    """Spans that may be between end() and the journal at a kill."""
    needs_mount: bool = False
    in_memory: int = 0
    """Spans that a kill may take since they are in memory alone, as docs/durability.md says of files that cannot be made."""


CASES: dict[str, Case] = {
    f"{backend}{''.join(', ' + word for word in words)}": Case(
        lambda scene, backend=backend, words=words: at_random(scene, backend, *words)  # type: ignore[misc]  # a lambda with defaults has no type of its own
    )
    for backend in BACKENDS
    for words in ((), ("recover",), ("fork",), ("fork", "recover"))
} | {
    "64 threads": Case(lambda scene: at_random(scene, "flapping", "threads"), under_way=THREADS),
    "parent dies, child lives": Case(lambda scene: one_of_both(scene, is_parent_first=True)),
    "child dies, parent lives": Case(lambda scene: one_of_both(scene, is_parent_first=False)),
    "disk full": Case(full_disk, needs_mount=True, in_memory=(1 << 20) // 2000),  # a block of "big" spans
    "killed while adopting": Case(while_adopting),
    "shut down while adopting": Case(shut_down_while_adopting),
}


def play(name: str, rounds: int, place: Path, seed: int = 0) -> Books:
    """Kills so often; everything is delivered afterwards."""
    case = CASES[name]
    with Sink(max_bytes=1 << 32) as sink:
        scene = Scene(place, sink, random.Random(f"{seed} {name}"))
        if not case.needs_mount:
            return _rounds(scene, case, rounds)
        disk = place / "disk"
        disk.mkdir()
        scene.queue = disk / "queue"
        with small_disk(disk) as scene.before:
            return _rounds(scene, case, rounds)


def _rounds(scene: Scene, case: Case, rounds: int) -> Books:
    try:
        for number in range(20 * rounds):
            # On a busy machine victims may be killed before they have made anything: then others follow.
            if number >= rounds and len(scene.lines()) >= ENOUGH * scene.kills:
                break
            case.play(scene)
    finally:
        for pid in scene.alive:  # something went wrong
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    scene.sink.clear_faults()
    scene.recover()
    return scene.books(case.in_memory)


def judge(name: str, books: Books) -> list[str]:
    """What is wrong with them."""
    wrong = []
    if books.lost:
        wrong.append(f"{books.lost} spans are lost")
    if books.arrived + books.dropped > books.ended + CASES[name].under_way * books.kills:
        wrong.append("spans are counted as dropped that have arrived")
    if books.strangers > CASES[name].under_way * books.kills:
        wrong.append(f"{books.strangers} spans arrived that nobody ended")
    if books.left:
        wrong.append(f"left: {books.left}")
    if books.ended < ENOUGH * books.kills:
        wrong.append("too few spans for a test")
    return wrong
