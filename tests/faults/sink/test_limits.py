"""Clients that are slow, many, or gone."""

import contextlib
import http.client
import socket
import threading
import time
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.post import post, read_to_end, request, until

HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: sink\r\nContent-Type: application/x-protobuf\r\n"


def connect(sink: Sink) -> socket.socket:
    return socket.create_connection(("127.0.0.1", sink.port), timeout=20)


def is_served(sink: Sink) -> bool:
    """Whether a request is answered: its headers may have come too late."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return post(sink).status == 200
    return False


def test_headers_that_trickle_end_in_a_closed_connection() -> None:
    with Sink(header_timeout=0.2) as sink, connect(sink) as client:
        ended = threading.Event()

        def trickle() -> None:
            try:
                while not ended.wait(0.01):
                    client.sendall(b"x")
            except OSError:
                pass

        client.sendall(HEAD + b"X: ")
        trickler = threading.Thread(target=trickle)
        trickler.start()
        try:
            read_to_end(client)
        except ConnectionResetError:
            pass
        finally:
            ended.set()
            trickler.join()
        until(lambda: is_served(sink))  # as soon as a client is quick enough, too


def test_body_that_trickles_is_a_timeout_and_not_kept() -> None:
    with Sink(body_timeout=0.2) as sink, connect(sink) as client:
        client.sendall(HEAD + b"Content-Length: 100\r\n\r\n" + b"abc")
        answer = read_to_end(client)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"the body did not come within 200ms" in answer
        assert sink.request_count == 0


def test_connection_that_ends_inside_a_body_is_not_kept(otlp_sink: Sink) -> None:
    body = request(3)
    with connect(otlp_sink) as client:
        client.sendall(HEAD + f"Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
        client.shutdown(socket.SHUT_WR)
        read_to_end(client)
    assert (otlp_sink.attempt_count, otlp_sink.request_count, otlp_sink.span_count) == (1, 0, 0)


def test_connections_over_the_limit_wait_their_turn() -> None:
    with Sink(max_connections=2) as sink:
        first, second = connect(sink), connect(sink)
        for client in (first, second):
            client.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
            assert b" 200 " in client.recv(1000)
        with connect(sink) as third:
            third.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
            third.settimeout(0.1)
            try:
                third.recv(1)
                raise AssertionError("a third connection was served")
            except TimeoutError:
                pass
            third.settimeout(20)
            first.close()
            assert b" 200 " in third.recv(1000)
        second.close()


def test_stalled_bodies_cannot_fill_the_memory() -> None:
    """Bodies being read at once are bounded together; what is over it is told to come again."""
    size = 1 << 20
    with Sink(max_request_bytes=size) as sink:
        hogs = [connect(sink) for _ in range(4)]
        for hog in hogs:
            hog.sendall(HEAD + f"Content-Length: {size}\r\n\r\n".encode() + bytes(size - 1))
        until(lambda: post(sink, bytes(1000)).status == 503)
        answer = post(sink, bytes(1000))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        for hog in hogs:
            hog.close()
        until(lambda: post(sink).status == 200)
    assert sink.span_count == 1


def test_close_lets_a_request_in_progress_finish() -> None:
    with Sink() as sink:
        sink.inject(delay=0.3)
        with connect(sink) as client:
            body = request(2)
            client.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            until(lambda: sink.attempt_count == 1)
            sink.close()
            assert b" 200 " in read_to_end(client)
    assert sink.span_count == 2


def test_close_does_not_wait_for_idle_connections_or_slow_ones() -> None:
    with Sink() as sink:
        sink.inject(delay=60)
        idle, slow = connect(sink), connect(sink)
        slow.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
        until(lambda: sink.attempt_count == 1)
        sink.close()
        for client in (idle, slow):
            with contextlib.suppress(ConnectionResetError):
                assert read_to_end(client) == b""
            client.close()


@pytest.mark.parametrize("begin", [b"P", b"PR", b"PRI"])
@pytest.mark.parametrize("end", ["close", "half-close"])
def test_connection_that_ends_inside_the_preface_is_released(begin: bytes, end: str) -> None:
    """HTTP/2 and POST begin alike, so the server waits for more, yet not once the client has ended its side."""
    with Sink(max_connections=2, header_timeout=60) as sink, contextlib.ExitStack() as stack:
        for client in [stack.enter_context(connect(sink)) for _ in range(2)]:
            client.sendall(begin)
            if end == "close":
                client.close()
            else:
                client.shutdown(socket.SHUT_WR)
                # An answer or none; within the 20 s of `connect`, thus before header_timeout.
                assert read_to_end(client)[:9] in (b"", b"HTTP/1.1 ")
        good = stack.enter_context(connect(sink))
        good.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
        assert b" 200 " in good.recv(1000)


def test_connections_that_stop_inside_the_preface_cost_no_wakeups() -> None:
    with Sink(header_timeout=60) as sink, contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connect(sink)).sendall(b"PR")
        until(lambda: post(sink).status == 200)
        before = wakeups("spanwire-sink")
        for _ in range(10):
            time.sleep(0.1)
            assert post(sink).status == 200
        # Some for each request; a look every 2 ms, as there was, makes 500 a second.
        assert wakeups("spanwire-sink") - before < 200


@pytest.mark.parametrize("head", [HEAD, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_a_beginning_that_trickles_is_read_from_its_first_byte(otlp_sink: Sink, head: bytes) -> None:
    with connect(otlp_sink) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head[:6]:
            client.sendall(bytes([byte]))
            time.sleep(0.02)  # no wait for anything: it only lets the bytes come one by one
        client.sendall(head[6:])
        if head is HEAD:
            client.sendall(b"Content-Length: 0\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        else:
            client.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))  # our SETTINGS
            assert client.recv(1000)[3] == 4  # and the server's


def wakeups(thread: str) -> int:
    """How often the threads of that name went to sleep so far."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text().strip() == thread:
            status = (task / "status").read_text()
            total += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total
