"""Rotel as a child process: OTLP over HTTP and gRPC in, the same again over gRPC to a sink."""

import socket
import subprocess
import time
from pathlib import Path

from typing_extensions import Self

from spanwire.sink import Sink
from tests.conftest import program

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0
_TRIES = 3  # another process may take a port that was free


class Rotel:
    """One Rotel with two free ports; a context manager.

    ``stop()`` lets it hand on what it accepted; afterwards ``requests()`` is all that it received, as it understood it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sink = Sink(max_bytes=1 << 30)
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""  # of traces, once started
        self.grpc_endpoint = ""

    def __enter__(self) -> Self:
        self._sink.start()
        for _ in range(_TRIES):
            if self._start():
                return self
        self.__exit__()
        raise AssertionError("Rotel did not start:\n" + self._log())

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._sink.close()

    def stop(self) -> None:
        process = self._process
        if process is None:
            return
        self._process = None
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("Rotel did not stop:\n" + self._log()) from None

    def requests(self) -> list[bytes]:
        """Messages of type ExportTraceServiceRequest."""
        assert self._process is None, "stop() first: until then more may come"
        return [request.body for request in self._sink.requests()]

    def _start(self) -> bool:
        binary = program("rotel")
        assert binary is not None
        grpc, http = _free_ports()
        receiver = ["--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"]
        exporter = ["--exporter", "otlp", "--otlp-exporter-endpoint", self._sink.grpc_endpoint]
        exporter += ["--otlp-exporter-protocol", "grpc", "--otlp-exporter-compression", "none"]
        files = ["--pid-file", str(self._folder / "rotel.pid"), "--log-file", str(self._folder / "unused.log")]
        with (self._folder / "rotel.log").open("ab") as log:
            self._process = subprocess.Popen(
                [binary, "start", *files, *receiver, *exporter],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if _is_listening(grpc) and _is_listening(http):
                self.endpoint = f"http://127.0.0.1:{http}/v1/traces"
                self.grpc_endpoint = f"http://127.0.0.1:{grpc}"
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _log(self) -> str:
        return (self._folder / "rotel.log").read_text(encoding="utf-8", errors="replace")


def _free_ports() -> list[int]:
    """Two, since one held is not given twice."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return [int(held.getsockname()[1]) for held in (one, other)]


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
