"""The socket that ``spanwire top`` reads: who may connect, where it may be, forks, exits, what is there already."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spanwire._telemetry.top_socket import sockets
from tests.conftest import ROOT

WAIT = """
import os, sys, time
import spanwire
from tests.faults.forks import by_c
installation = spanwire.install(**options)
print(os.getpid(), flush=True)
sys.stdin.read()
"""
FORKS = """
import os, sys
import spanwire
from tests.faults.forks import by_c
installation = spanwire.install(**options)
print(os.getpid(), flush=True)
from opentelemetry import trace
fork = {fork}
child = fork()
trace.get_tracer("tests").start_span("span").end()
os.write(1, b"%d\\n" % os.getpid())  # in one piece: both may say it at once
sys.stdin.read()
if child:
    os.waitpid(child, 0)
"""


@contextlib.contextmanager
def running(program: str, options: dict[str, Any], **variables: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", f"options = {options!r}\n{program}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:1",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            **variables,
        },
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def said(path: Path) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        with connection.makefile("rb") as line:
            found: dict[str, Any] = json.loads(line.read())
            return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def test_by_default_there_is_none() -> None:
    with running(WAIT, {}) as process:
        assert process.stdout is not None
        pid = process.stdout.readline().strip()
        inodes = {os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}  # noqa: PTH115, PTH208
        for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
            assert f"socket:[{line.split()[6]}]" not in inodes
        assert end(process)[0] == 0


@pytest.mark.parametrize("by", ["keyword", "variable", "folder"])
def test_it_is_there_for_its_owner_until_the_process_ends(folder: Path, by: str) -> None:
    asked = str(folder if by == "folder" else folder / "shop")
    options = {"top": asked} if by == "keyword" else {}
    variables = {} if by == "keyword" else {"SPANWIRE_TOP_SOCKET": asked}
    with running(WAIT, options, **variables) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        path = folder / f"{'spanwire' if by == 'folder' else 'shop'}.{pid}"
        status = path.lstat()
        assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600
        assert list(folder.iterdir()) == [path] == sockets(asked)
        line = said(path)
        assert (line["schema"], line["pid"], line["program"]) == (1, pid, "-c")
        assert set(line["stats"]) == {"traces", "encode", "trace", "durable"}
        assert end(process) == (0, "")
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("fork", ["os.fork", "by_c()"])
def test_each_process_has_its_own(folder: Path, fork: str) -> None:
    with running(FORKS.replace("{fork}", fork), {"top": str(folder / "shop")}) as process:
        assert process.stdout is not None
        pids = {int(process.stdout.readline()) for _ in range(3)}
        assert len(pids) == 2
        until = time.monotonic() + 30
        while {said(folder / f"shop.{pid}")["pid"] for pid in pids} != pids:
            assert time.monotonic() < until
        assert [path.name for path in sockets(str(folder / "shop"))] == [f"shop.{pid}" for pid in sorted(pids)]
        assert end(process)[0] == 0
        assert list(folder.iterdir()) == []


def test_those_of_killed_processes_go_when_another_begins(folder: Path) -> None:
    for _ in range(3):
        with running(WAIT, {"top": str(folder / "shop")}) as process:
            assert process.stdout is not None
            process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
            process.wait(30)
    assert len(list(folder.iterdir())) == 1
    stale = folder / f"shop.{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(stale))
    with running(WAIT, {"top": str(folder / "shop")}) as process:
        assert process.stdout is not None
        path = folder / f"shop.{int(process.stdout.readline())}"
        assert list(folder.iterdir()) == [path]
        assert end(process) == (0, "")


def test_its_own_name_is_taken_from_a_dead_socket_and_from_nothing_else(folder: Path) -> None:
    program = f"""
import os, socket, sys
import spanwire
from spanwire._telemetry import top_socket
path = f"{folder}/shop.{{os.getpid()}}"
with socket.socket(socket.AF_UNIX) as there:
    there.bind(path)
    there.listen()
    try:
        top_socket.serve("{folder}/shop")
    except ValueError as error:
        print(error)
os.unlink(path)
open(path, "w").close()
try:
    top_socket.serve("{folder}/shop")
except ValueError as error:
    print(error)
os.unlink(path)
with socket.socket(socket.AF_UNIX) as there:
    there.bind(path)
top_socket.serve("{folder}/shop")
print(os.path.exists(path))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert "is served by another process" in first and "is there and no socket" in second and third == "True"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "above", "refused"),
    [
        (0o770, 0o700, "belongs to others"),
        (0o707, 0o700, "belongs to others"),
        (0o700, 0o777, "above"),
        (0o755, 0o1777, None),
    ],
)
def test_it_is_not_where_others_can_write(folder: Path, mode: int, above: int, refused: str | None) -> None:
    inner = folder / "in" / "deep"
    inner.mkdir(parents=True)
    inner.chmod(mode)
    inner.parent.chmod(above)
    with running(WAIT, {}, SPANWIRE_TOP_SOCKET=str(inner / "shop")) as process:
        assert process.stdout is not None
        process.stdout.readline()
        status, errors = end(process)
    assert status == 0, "the program goes on"
    if refused is None:
        assert errors == ""
    else:
        assert "Nothing is served for spanwire top" in errors and refused in errors
        with running(WAIT, {"top": str(inner / "shop")}) as process:
            status, errors = end(process)
        assert status == 1 and "ValueError" in errors and refused in errors
    assert list(inner.iterdir()) == []


def test_a_folder_that_is_missing_and_a_name_that_is_too_long_are_said(folder: Path) -> None:
    for asked, text in ((folder / "missing" / "shop", "No such file"), (folder / ("x" * 120), "is too long")):
        with running(WAIT, {"top": str(asked)}) as process:
            status, errors = end(process)
        assert status == 1 and "ValueError" in errors and text in errors


def test_it_is_where_a_link_led_when_that_was_looked_at(folder: Path) -> None:
    (folder / "real").mkdir(mode=0o700)
    (folder / "other").mkdir(mode=0o700)
    (folder / "link").symlink_to("real")
    program = WAIT.replace(
        "installation =",
        """from spanwire._telemetry import top_socket
checked = top_socket._checked
def exchanged(path):
    found = checked(path)
    link = path.parent
    link.unlink()
    link.symlink_to("other")
    return found
top_socket._checked = exchanged
installation =""",
    )
    with running(program, {"top": str(folder / "link" / "shop")}) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert list((folder / "other").iterdir()) == []
        assert said(folder / "real" / f"shop.{pid}")["pid"] == pid
        assert end(process) == (0, "")
        assert list((folder / "real").iterdir()) == []


def test_counts_that_cannot_be_had_once_can_be_had_again(folder: Path) -> None:
    program = WAIT.replace(
        "print(",
        """from spanwire._telemetry import stats as module
counts, failures = module.stats, [KeyboardInterrupt, SystemExit, RuntimeError, MemoryError]
def stats():
    if failures:
        raise failures.pop()
    return counts()
module.stats = stats
print(""",
    )
    with running(program, {"top": str(folder / "shop")}) as process:
        assert process.stdout is not None
        path = folder / f"shop.{int(process.stdout.readline())}"
        for _ in range(4):
            with pytest.raises(json.JSONDecodeError):
                said(path)
        assert said(path)["schema"] == 1
        assert end(process) == (0, "")


def test_an_entry_that_is_gone_when_it_is_looked_at_hides_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.ExitStack() as open_sockets:
        for number in (1, 2, 3):
            open_sockets.enter_context(socket.socket(socket.AF_UNIX)).bind(str(folder / f"shop.{number}"))
        listed = list(folder.iterdir())
        (folder / "shop.2").unlink()
        monkeypatch.setattr(Path, "iterdir", lambda _: iter(listed))
        assert [path.name for path in sockets(str(folder / "shop"))] == ["shop.1", "shop.3"]


def test_nobody_who_connects_can_hold_it_up(folder: Path) -> None:
    with running(WAIT, {"top": str(folder / "shop")}) as process:
        assert process.stdout is not None
        path = folder / f"shop.{int(process.stdout.readline())}"
        idle = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        for one in idle:
            one.connect(str(path))
        with socket.socket(socket.AF_UNIX) as talker:
            talker.connect(str(path))
            with contextlib.suppress(OSError):
                talker.sendall(b"x" * (8 << 20))
        assert said(path)["schema"] == 1
        for one in idle:
            one.close()
        assert said(path)["schema"] == 1
        assert end(process) == (0, "")
