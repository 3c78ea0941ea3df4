"""What `spanwire recover` makes of damaged folders: ``python -m tests.faults.durable.damage`` prints a table.

The folders are those of a process that was killed; each case damages a copy. Whatever it is, what arrives is what was ended, and each
span that does not arrive is counted as damaged, or lies in a file that stays and is named.
"""

import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

SPANS = 6_000
PAGE, BLOCK, HEADS = 4096, 1 << 20, 64 << 10
FRAMES = PAGE + HEADS  # in a block
HEADER = 76
WORDS = {"state": 0, "number": 64, "committed": 128, "done": 192, "groups": 256, "seal 1": 320, "seal 2": 384}

PROGRAM = f"""
import os, signal, sys
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.resources import Resource
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
queue, scopes = sys.argv[1], int(sys.argv[2])
exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces", durable=DurableQueue(queue, service="victim"))
provider = TracerProvider(resource=Resource({{"service.name": "victim"}}), shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
tracers = [provider.get_tracer(f"scope {{number}}") for number in range(scopes)]
for number in range({SPANS}):
    tracers[number % scopes].start_span(str(number), attributes={{"number": number, "text": "x" * (number % 200)}}).end()
os.kill(os.getpid(), signal.SIGKILL)
"""

Damage = Callable[[Path, Path], None]
"""Gets the folder of the process, and its first file of spans."""


@dataclass(frozen=True)
class Case:
    """One damage, or several of a kind, each in a copy of its own."""

    name: str
    damages: "list[Damage]"
    scopes: int = 3
    lost: "int | None" = None
    """At most so many spans may not arrive; none: as many as are counted, or lie in what stays."""
    stays: str = ""
    """What is named and stays."""
    is_empty: bool = False
    """Nothing says that there were spans."""


@dataclass
class Result:
    """Of all damages of a case."""

    copies: int = 0
    arrived: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def row(self) -> str:
        columns = (
            self.copies,
            _range(self.arrived),
            _range(self.damaged),
            "; ".join(sorted(self.named)) or "-",
            ", ".join(map(str, sorted(self.statuses))),
            "; ".join(self.wrong) or "right",
        )
        return " | ".join(map(str, columns))


def _range(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def make(place: Path, scopes: int) -> Path:
    """The folder that a killed process has left, with so many scopes."""
    queue = place / f"of {scopes}"
    command = [sys.executable, "-c", PROGRAM, str(queue), str(scopes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return queue


def copy(queue: Path, to: Path) -> Path:
    """A copy that takes no more of the disk than there is in it; the process's folder in it."""
    (folder,) = queue.iterdir()
    there = to / folder.name
    there.mkdir(parents=True, mode=0o700)
    to.chmod(0o700)
    for path in folder.iterdir():
        with path.open("rb") as source, (there / path.name).open("wb") as copied:
            size = path.stat().st_size
            copied.write(source.read(4 * BLOCK).rstrip(b"\0"))
            copied.truncate(size)
    return there


def first_file(folder: Path) -> Path:
    return min(folder.glob("*.spans"))


def change(path: Path, at: int, new: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(new)


def flip(at: int) -> Damage:
    def damage(_: Path, file: Path) -> None:
        with file.open("rb") as opened:
            opened.seek(at)
            (byte,) = opened.read(1)
        change(file, at, bytes([byte ^ 0xFF]))

    return damage


def zero(at: int, length: int = PAGE) -> Damage:
    return lambda _, file: change(file, at, bytes(length))


def cut(at: int) -> Damage:
    return lambda _, file: os.truncate(file, at)


def header(offset: int, new: bytes) -> Damage:
    """A header that says something else, and is whole."""

    def damage(_: Path, file: Path) -> None:
        with file.open("rb") as opened:
            whole = bytearray(opened.read(HEADER))
        whole[offset : offset + len(new)] = new
        whole[-4:] = struct.pack("<I", zlib.crc32(whole[:-4]))
        change(file, 0, bytes(whole))

    return damage


def remove(name: str) -> Damage:
    return lambda folder, _: (folder / name).unlink()


def put(name: str, content: bytes) -> Damage:
    def damage(folder: Path, _: Path) -> None:
        (folder / name).write_bytes(content)

    return damage


def instead(name: str, make_it: Callable[[Path], object]) -> Damage:
    """Something else in the place of a file, or beside the others."""

    def damage(folder: Path, _: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        make_it(folder / name)

    return damage


def _link(path: Path) -> None:
    outside = path.parent.parent.parent / "outside"
    outside.write_text("not ours")
    path.symlink_to(outside)


def cases(seed: int = 0, step: int = 1) -> "list[Case]":
    """All, with each `step`-th of those damages that are many of a kind."""
    chance = random.Random(seed)
    block = PAGE  # the first one
    frames = block + FRAMES
    pages = [chance.randrange(200) for _ in range(6)]
    flipped = "each byte of the word {!r} of a block's header flipped"
    return [
        Case("none", [lambda *_: None], lost=0),
        Case("each byte of the file's header flipped", [flip(at) for at in range(0, HEADER, step) if not 8 <= at < 12]),
        Case("each byte of the version flipped", [flip(at) for at in range(8, 12)], stays="*.spans"),
        *(
            Case(flipped.format(name), [flip(block + word + byte) for byte in range(0, 8, min(step, 4))])
            for name, word in WORDS.items()
        ),
        *(
            Case(
                flipped.format(name) + ", of one scope",
                [flip(block + word + byte) for byte in range(0, 8, min(step, 4))],
                scopes=1,
            )
            for name, word in WORDS.items()
            if name in ("committed", "groups")
        ),
        Case("a byte of the groups flipped", [flip(block + PAGE + at) for at in (0, 3, 4, 7, 8, 30, 200)]),
        Case("a byte of the frames flipped", [flip(frames + chance.randrange(900_000)) for _ in range(10)], lost=40),
        Case(
            "a byte of the frames flipped, of one scope",
            [flip(frames + chance.randrange(900_000)) for _ in range(10)],
            scopes=1,
            lost=8,
        ),
        Case("a page of frames of zeros", [zero(frames + page * PAGE) for page in pages], lost=120),
        Case("a page of frames of zeros, of one scope", [zero(frames + page * PAGE) for page in pages], 1, lost=60),
        Case("the page of groups of zeros", [zero(block + PAGE)]),
        Case("the page of a block's header of zeros", [zero(block)], stays="*.spans"),
        Case("the page of the file's header of zeros", [zero(0)]),
        Case("all of zeros", [zero(0, 4 * BLOCK)], stays="*.spans"),
        Case("cut to nothing", [cut(0)], stays="*.spans"),
        Case("cut within the file's header", [cut(1), cut(40), cut(HEADER - 1)], stays="*.spans"),
        Case("cut behind the file's header", [cut(HEADER), cut(PAGE)]),
        Case("cut at borders of pages", [cut(block + page * PAGE) for page in (1, 2, 17, 18, *pages)]),
        Case("cut anywhere", [cut(block + chance.randrange(2 * BLOCK)) for _ in range(10)]),
        Case("of a newer version", [header(8, struct.pack("<I", 2))], stays="*.spans"),
        Case("the clock has gone back", [header(32, struct.pack("<Q", time.time_ns() + 10**18))], lost=0),
        Case("a foreign file beside", [put("core.1", b"what is this")], lost=0, stays="core.1"),
        Case("a foreign file that is named so", [put("a.spans", b"no spans" * 999)], lost=0, stays="a.spans"),
        Case("an empty file beside", [put("a.spans", b"")], lost=0, stays="a.spans"),
        Case("a file that was never finished", [put("0000000000000009.new", bytes(99))], lost=0),
        Case("a folder that is named so", [instead("a.spans", Path.mkdir)], lost=0, stays="a.spans"),
        Case("a link that is named so", [instead("a.spans", _link)], lost=0, stays="a.spans"),
        Case("a pipe that is named so", [instead("a.spans", os.mkfifo)], lost=0, stays="a.spans"),
        Case("owner missing", [remove("owner")], lost=0),
        Case("owner empty", [put("owner", b"")], lost=0),
        Case("owner huge", [put("owner", b"n" * (1 << 20))], lost=0),
        Case("owner no text", [put("owner", bytes(range(128, 256)))], lost=0),
        Case("owner a pipe", [instead("owner", os.mkfifo)], lost=0),
        Case("lock missing", [remove("lock")], lost=0),
        Case("lock a pipe", [instead("lock", os.mkfifo)], stays="*"),
        Case("lock a folder", [instead("lock", Path.mkdir)], stays="*"),
        Case("nothing but the lock", [lambda folder, _: _clear(folder, {"lock"})], is_empty=True),
        Case("an empty folder", [lambda folder, _: _clear(folder, set())], is_empty=True),
    ]


def _clear(folder: Path, keep: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in keep:
            path.unlink()


def listing(folder: Path) -> "list[tuple[str, int, int]]":
    """What is there, and when it was changed."""
    # Whoever looks has to have the lock: a missing one is made.
    found = [(path, path.lstat()) for path in folder.rglob("*") if path.name != "lock"]
    return sorted((str(path), stat.st_mtime_ns * path.is_file(), stat.st_size) for path, stat in found)


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Ends this process if it takes longer: what hangs in native code hears nothing else."""
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def recover(queue: Path, *words: str) -> "tuple[int, Any]":
    """Runs it in this process; status and document."""
    from typer.testing import CliRunner

    from spanwire.cli import make_app

    with within(60):
        done = CliRunner().invoke(make_app(), ["recover", str(queue), "--json", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, json.loads(done.stdout)


def is_as_written(span: Any, scopes: int) -> bool:
    number = int(span.name) if span.name.isdecimal() else -1
    return (
        0 <= number < SPANS
        and span.attributes == {"number": number, "text": "x" * (number % 200)}
        and span.scope_name == f"scope {number % scopes}"
        and span.resource_attributes["service.name"] == "victim"
    )


def play(case: Case, base: Path, place: Path) -> Result:
    """Damages copies of the folder, and recovers them."""
    result = Result()
    for number, damage in enumerate(case.damages):
        queue = place / str(number) / "queue"
        folder = copy(base, queue)
        damage(folder, first_file(folder))
        began = time.monotonic()
        wrong = _play(case, queue, folder, result)
        result.seconds = max(result.seconds, time.monotonic() - began)
        result.copies += 1
        result.wrong += [f"{number}: {what}" for what in wrong]
        shutil.rmtree(place / str(number))
    return result


def _play(case: Case, queue: Path, folder: Path, result: Result) -> "list[str]":
    from spanwire.sink import Sink

    wrong = []
    before = listing(queue)
    recover(queue, "--dry-run")
    if listing(queue) != before:
        wrong.append("--dry-run changed something")
    with Sink() as sink:
        status, told = recover(queue, "--endpoint", sink.http_endpoint)
        spans = sink.spans()
        names = {span.name for span in spans}
        if not all(is_as_written(span, case.scopes) for span in spans):
            wrong.append("something arrived that was not ended")
        if len(names) != len(spans):
            wrong.append(f"{len(spans) - len(names)} duplicates")
        left = listing(queue)
        again, told_again = recover(queue, "--endpoint", sink.http_endpoint)
        if sink.span_count != len(spans):
            wrong.append("the second time something was sent again")
        if told_again["files"] != told["files"] or listing(queue) != left or (again == 0) == bool(told["files"]):
            wrong.append(f"the second time: status {again}, {told_again}")
    lost = SPANS - len(names)
    named = {Path(path).name: why for path, why in told["files"]}
    cut = {Path(path).name: why for path, why in told["incomplete"]}
    result.arrived.append(len(names))
    result.damaged.append(told["damaged"])
    result.statuses.add(status)
    result.named |= {f"{_kind(name)}: {re.sub(r'are [0-9]+', 'are N', why)}" for name, why in (named | cut).items()}
    if case.lost is not None and lost > case.lost:
        wrong.append(f"{lost} spans did not arrive")
    if case.stays:
        if not any(path.match(case.stays) and path.name in named for path in [folder, *folder.iterdir()]):
            wrong.append(f"{case.stays} does not stay, or is not named: {named}")
    elif folder.exists() and list(folder.glob("*.spans")):
        wrong.append(f"left: {left}")
    if lost > told["damaged"] + SPANS * bool(told["files"] or told["incomplete"] or case.is_empty):
        wrong.append(f"{lost - told['damaged']} spans are neither there nor counted")
    if told["damaged"] > SPANS:
        wrong.append(f"{told['damaged']} spans are counted as damaged")
    if (status == 0) == bool(told["files"] or told["damaged"] or told["incomplete"]):
        wrong.append(f"status {status} with {told}")
    return wrong


def _kind(name: str) -> str:
    """A name that is the same in every run."""
    return "the file" if name.endswith(".spans") and name[0] == "0" else "the folder" if len(name) == 32 else name


HEAD = f"damage | copies | arrived of {SPANS:,} | counted as damaged | named | status | result"


def main() -> int:
    failures = 0
    print(f"{HEAD}\n{' | '.join(['---'] * 7)}", flush=True)
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        bases = {scopes: make(place, scopes) for scopes in (1, 3)}
        for number, case in enumerate(cases()):
            result = play(case, bases[case.scopes], place / str(number))
            print(f"{case.name} | {result.row()}", flush=True)
            failures += bool(result.wrong)
    print(f"\nfailures {failures}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
