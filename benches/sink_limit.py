"""How many spans a second does the sink take, from a sender that only repeats one request, and from ``spanwire generate``?

    python benches/sink_limit.py [--seconds 4] [--batch 4096] [--cores 0,1]

Each sender has core A (of ``--cores A,B``) and the sink, in a process of its own, core B. Every span that was sent must have been
counted by the sink, or this fails. Prints a line for each: spans a second, and CPU of both sides a span.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from spanwire import encode_spans
from spanwire_bench import _workloads
from spanwire_bench._sink_process import SinkProcess

COLUMNS = "{:>10} {:>12} {:>14} {:>14} {:>16}"
CONNECTIONS = 2


def main() -> None:
    """The table, line by line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--cores", type=lambda text: tuple(map(int, text.split(","))))
    asked = parser.parse_args()
    ours, theirs = asked.cores or (None, None)
    print(COLUMNS.format("spans", "bytes a span", "spans/s", "sink, ns", "sender, ns"))
    bodies = {name: bytes(encode_spans(_workloads.make(name, asked.batch))) for name in _workloads.NAMES}
    with SinkProcess(theirs) as sink:
        if ours is not None:
            os.sched_setaffinity(0, {ours})
        for name, body in bodies.items():
            with _Line(name, sink) as line:
                _repeat(urlsplit(sink.endpoint), body, asked, line)
        with _Line("generate", sink) as line:
            command = [
                sys.executable,
                "-m",
                "spanwire",
                "generate",
                "--endpoint",
                sink.endpoint,
                "--seed",
                "1",
                "--json",
            ]
            done = subprocess.run(
                [*command, "--duration", str(asked.seconds)],
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            said: dict[str, Any] = json.loads(done.stdout)
            line.spans, line.bytes = said["spans"], said["bytes"]
            line.seconds, line.cpu = said["seconds"], said["cpu_seconds"]


class _Line:
    """What one sender did, printed at its end."""

    def __init__(self, name: str, sink: SinkProcess) -> None:
        self._name, self._sink = name, sink
        self.spans = self.bytes = 0
        self.seconds = self.cpu = 0.0

    def __enter__(self) -> _Line:  # noqa: PYI034  # as elsewhere here: plain and short
        self._sink.clear()
        self._before = self._sink.cpu_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        counted = self._sink.count()
        assert counted == self.spans, f"{self.spans} spans sent, {counted} counted"
        of_sink = (self._sink.cpu_seconds() - self._before) / self.spans * 1e9
        print(
            COLUMNS.format(
                self._name,
                f"{self.bytes / self.spans:,.0f}",
                f"{self.spans / self.seconds:,.0f}",
                f"{of_sink:,.0f}",
                f"{self.cpu / self.spans * 1e9:,.0f}",
            ),
            flush=True,
        )


def _repeat(url: Any, body: bytes, asked: argparse.Namespace, line: _Line) -> None:
    """One request again and again, on a few connections in turn, so that one is always on its way."""
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/x-protobuf\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    open_ones = [socket.create_connection((url.hostname, url.port)) for _ in range(CONNECTIONS)]
    begin, cpu = time.perf_counter(), time.process_time()
    for one in open_ones:
        one.sendall(request)
    sent = len(open_ones)
    while time.perf_counter() - begin < asked.seconds:
        one = open_ones[sent % len(open_ones)]
        _expect_ok(one)
        one.sendall(request)
        sent += 1
    for one in open_ones:
        _expect_ok(one)
        one.close()
    line.seconds, line.cpu = time.perf_counter() - begin, time.process_time() - cpu
    line.spans, line.bytes = sent * asked.batch, sent * len(body)


def _expect_ok(connection: socket.socket) -> None:
    answer = connection.recv(65_536)  # short: it comes in one piece
    assert answer.startswith(b"HTTP/1.1 200 "), answer


if __name__ == "__main__":
    main()
