"""Children made by fork while a sink runs."""

import contextlib
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.post import post, request

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def in_child(action: Callable[[], object]) -> int:
    """Exit status of a forked child that runs ``action``; 1 if it raises."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")


def test_inherited_sink_says_whose_it_is_and_closes_silently(otlp_sink: Sink) -> None:
    def use() -> None:
        for look in (lambda: otlp_sink.span_count, otlp_sink.requests, otlp_sink.spans, lambda: otlp_sink.wait_for(1)):
            with pytest.raises(RuntimeError, match=f"runs in process {os.getppid()} and was inherited by fork"):
                look()
        otlp_sink.close()

    assert in_child(use) == 0
    assert post(otlp_sink).status == 200


def test_parent_goes_on_while_a_child_lives_and_frees_its_sink(otlp_sink: Sink) -> None:
    sinks = [Sink().start()]

    def drop() -> None:
        sinks.clear()

    connection = socket.create_connection(("127.0.0.1", sinks[0].port), timeout=20)
    assert in_child(drop) == 0
    assert post(sinks[0], request(2)).status == 200
    assert sinks[0].span_count == 2
    connection.close()
    sinks[0].close()


def sockets_of(pid: int) -> set[str]:
    """The sockets that a process has open, as /proc names them."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that listed them
            found.add(str(descriptor.readlink()))
    return {target for target in found if target.startswith("socket:")}


def test_child_keeps_neither_port_nor_connections() -> None:
    """While a child lives, a closed sink's port is free and its clients see the end."""
    others = sockets_of(os.getpid())  # of whoever ran before, who may close them meanwhile
    otlp_sink = Sink().start()
    client = socket.create_connection(("127.0.0.1", otlp_sink.port), timeout=60)
    client.sendall(
        b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
    )
    assert b" 200 " in client.recv(1000)
    wake, wait = os.pipe()
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(wait)
        os.write(tell, b"!")  # fork may return in the parent before it does here
        os.read(wake, 1)  # until the parent has seen enough
        os._exit(0)
    try:
        os.read(ready, 1)
        otlp_sink.close()
        assert client.recv(1) == b""
        # Not by connecting: another program may have been given the port meanwhile.
        assert sockets_of(child) - others <= sockets_of(os.getpid())
    finally:
        for descriptor in (wait, wake, ready, tell):
            os.close(descriptor)
        client.close()
        os.waitpid(child, 0)


def test_child_can_have_a_sink_of_its_own(otlp_sink: Sink) -> None:
    def own() -> None:
        with Sink() as sink:
            assert post(sink, request(3)).status == 200
            assert sink.span_count == 3

    assert in_child(own) == 0
    assert post(otlp_sink).status == 200


def test_grandchild_closes_nothing_that_was_opened_since(otlp_sink: Sink) -> None:
    """A child's descriptors may have the numbers that the inherited ones had: the next fork must leave them alone."""

    def again() -> None:
        with Sink() as sink:
            numbers = [os.dup(0) for _ in range(20)]
            assert in_child(lambda: [os.fstat(number) for number in numbers]) == 0
            assert post(sink).status == 200

    assert in_child(again) == 0


def test_fork_under_load_neither_hangs_nor_loses(otlp_sink: Sink) -> None:
    for _ in range(30):
        body = request(5)
        client = socket.create_connection(("127.0.0.1", otlp_sink.port), timeout=20)
        head = f"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        assert in_child(otlp_sink.close) == 0
        assert b" 200 " in client.recv(1000)
        client.close()
    assert otlp_sink.span_count == 150


def test_child_that_exits_as_python_does_is_not_held_up() -> None:
    program = textwrap.dedent("""
        import os
        from spanwire.sink import Sink
        with Sink() as sink:
            child = os.fork()
            if child == 0:
                raise SystemExit(7)  # runs __exit__, finalizers and the interpreter's end
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            assert sink.span_count == 0
        left_open = Sink().start()  # not closed: the interpreter's end must not wait for it
    """)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], timeout=60, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
