"""What is read from a socket is bounded and checked: anything may be there."""

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import spanwire
from spanwire._telemetry import account as _account
from spanwire.cli._top import _processes
from spanwire.cli._top._processes import Unreadable, find, read, read_or_say

LINE: dict[str, Any] = {
    "schema": 1,
    "spanwire": "0.1.0",
    "pid": 7,
    "program": "shop",
    "service": "",
    "since": 1.0,
    "time": 2.5,
    "stats": spanwire.stats()
    | {"traces": {"http://a/": _account.empty() | {"accepted": 3, "dropped": {"refused": 2}}}},
}


@pytest.fixture
def serving(tmp_path: Path) -> Callable[[bytes], Path]:
    """A socket where whoever connects is told this, and then nothing more."""

    def serve(said: bytes, is_endless: bool = False) -> Path:
        path = tmp_path / f"shop.{os.getpid()}"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            with listening, connection:
                try:
                    while True:
                        connection.sendall(said)
                        if not is_endless:
                            return
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        return path

    return serve


def test_files_of_durable_queues_are_read(serving: Callable[[bytes], Path]) -> None:
    report = {
        "folder": "/spans/00ff",
        "service": "shop",
        "not_mapped": None,
        "bytes": 5,
        "max_bytes": 7,
        "files": 1,
        "failures": 2,
        "last_error": "No space",
        "synced_seconds_ago": None,
    }
    recovered = {"folders": 1, "spans": 2, "damaged": 3, "files": 4}
    reports = [report | {"recovered": recovered | {"error": "rights"}}, report | {"recovered": None}]
    line = LINE | {"stats": LINE["stats"] | {"durable": reports}}
    one, other = read(serving(json.dumps(line).encode() + b"\n")).durable
    assert (one.folder, one.bytes, one.max_bytes, one.failures) == ("/spans/00ff", 5, 7, 2)
    assert (one.not_mapped, one.last_error, one.recovery_error) == (None, "No space", "rights")
    assert (one.recovered, other.recovered, other.recovery_error) == (recovered, {}, None)


def test_a_line_is_read(serving: Callable[[bytes], Path]) -> None:
    process = read(serving(json.dumps(LINE).encode() + b"\n"))
    (account,) = process.accounts
    assert (process.pid, process.program, process.since, process.time) == (os.getpid(), "shop", 1.0, 2.5)
    assert (account.signal, account.destination, account.accepted, account.dropped) == (
        "traces",
        "http://a/",
        3,
        {"refused": 2},
    )


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"hello\n",
        b"[]",
        b"\xff\xfe",
        b"{}",
        json.dumps(LINE | {"schema": 2}).encode(),
        json.dumps(LINE | {"stats": {"traces": {"a": {}}}}).encode(),
        json.dumps(LINE | {"stats": []}).encode(),
        json.dumps(LINE | {"stats": {"durable": [{}]}}).encode(),
        json.dumps(LINE | {"stats": {"durable": 7}}).encode(),
        json.dumps(LINE | {"since": "yesterday"}).encode(),
        b"[" * 100_000,
    ],
)
def test_what_is_none_of_ours_is_said(serving: Callable[[bytes], Path], said: bytes) -> None:
    with pytest.raises(Unreadable, match="no process that serves its counts"):
        read(serving(said))


def test_what_never_ends_is_not_read_for_ever(serving: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_processes, "MOST_BYTES", 1 << 20)
    with pytest.raises(Unreadable, match="says more than 1 MiB"):
        read(serving(b"x" * 65536, is_endless=True))


def test_who_says_nothing_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_processes, "READ_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "shop.1"))
        silent.listen()
        assert read_or_say(tmp_path / "shop.1") == "timed out"
    assert read_or_say(tmp_path / "shop.1") is None, "it has ended"
    assert read_or_say(tmp_path / "shop.2") is None


def test_sockets_are_found_by_path_and_by_number(tmp_path: Path) -> None:
    made = []
    for name in ("shop.12", "shop.3", "shop.x", "shops.4", "shop", f"shop.{os.getpid()}"):
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(tmp_path / f".{os.getpid()}"))
        (tmp_path / f".{os.getpid()}").rename(tmp_path / name)
        made.append(one)
    (tmp_path / "shop.5").touch()
    assert [path.name for path in find(str(tmp_path / "shop.3"))] == ["shop.3"]
    (tmp_path / "shop").unlink()
    assert [path.name for path in find(str(tmp_path / "shop"))] == ["shop.3", "shop.12", f"shop.{os.getpid()}"]
    assert [path.name for path in find(str(os.getpid()))] == [f"shop.{os.getpid()}"]
    assert find(str(tmp_path / "nothing" / "shop")) == find("999999999") == []
    for one in made:
        one.close()
