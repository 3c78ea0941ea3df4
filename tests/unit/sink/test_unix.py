"""The sink on a Unix socket beside its port."""

import errno
import os
import socket
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.grpc_calls import call, channel, exchange, framed
from tests.post import PROTOBUF, post, read_to_end, request


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sink.sock"


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(str(path))
    return client


def http(path: Path, body: bytes) -> bytes:
    """The answer's first line."""
    with connect(path) as client:
        head = f"POST /v1/traces HTTP/1.1\r\nHost: sink\r\nContent-Type: {PROTOBUF}\r\nConnection: close\r\n"
        client.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return read_to_end(client).split(b"\r\n")[0]


def test_http_and_grpc_come_by_socket_and_by_port(path: Path) -> None:
    with Sink(unix_path=path) as sink:
        assert sink.unix_path == str(path)
        assert http(path, request(1)) == b"HTTP/1.1 200 OK"
        with channel(sink, target=f"unix:{path}", options=[("grpc.default_authority", "localhost")]) as to:
            call(to, request(2))
        post(sink, request(4))
    assert sink.span_count == 7


def test_protocol_is_told_apart_there_too(path: Path) -> None:
    with Sink(unix_path=path) as sink:
        assert http(path, request(1)) == b"HTTP/1.1 200 OK"
        assert exchange(sink, framed(request(2)), on=connect(path)).status == 0
        assert http(path, request(4)) == b"HTTP/1.1 200 OK"
    assert [received.protocol for received in sink.requests()] == ["http/protobuf", "grpc", "http/protobuf"]


def test_file_is_removed_at_the_end(path: Path) -> None:
    with Sink(unix_path=path):
        assert path.is_socket()
    assert not path.exists()


def test_relative_path_holds_when_the_folder_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    sink = Sink(unix_path="sink.sock")
    monkeypatch.chdir("/")
    with sink:
        assert http(path, request()) == b"HTTP/1.1 200 OK"
    assert not path.exists()


def test_socket_that_a_killed_process_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with Sink(unix_path=path):
        assert http(path, request()) == b"HTTP/1.1 200 OK"


def test_socket_of_another_is_left_alone(path: Path) -> None:
    with Sink(unix_path=path):
        with pytest.raises(OSError, match="can't listen on the Unix socket") as caught:
            Sink(unix_path=path).start()
        assert caught.value.errno == errno.EADDRINUSE
        assert http(path, request()) == b"HTTP/1.1 200 OK"


def test_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(OSError):
        Sink(unix_path=path).start()
    assert path.read_text() == "mine"


def test_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="can't listen on the Unix socket"):
        Sink(unix_path=tmp_path / ("x" * 120)).start()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_child_neither_keeps_the_socket_nor_removes_it(path: Path) -> None:
    with Sink(unix_path=path) as sink:
        child = os.fork()
        if not child:
            sink.close()
            del sink
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert http(path, request()) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("kind", ["close", "reset", "half-close"])
def test_disconnects_end_the_connection(path: Path, kind: str) -> None:
    with Sink(unix_path=path) as sink:
        sink.inject(disconnect=kind, times=2)  # type: ignore[arg-type]
        assert http(path, request()) == b""
        got = exchange(sink, framed(request()), on=connect(path), until_closed=True)
        assert not got.headers
        assert got.closed == "fin" or (kind, got.closed) == ("reset", "reset")
        assert http(path, request()) == b"HTTP/1.1 200 OK"
