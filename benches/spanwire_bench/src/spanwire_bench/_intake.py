"""A counting intake of Datadog's trace format, in a process of its own: what ddtrace sends to in ``spanwire bench export``.

``python -m spanwire_bench._intake [MIRROR]`` speaks with its parent as ``spanwire_bench._sink_process`` does. It reads the
formats v0.4 (spans as maps) and v0.5 (spans as lists, with one table of strings a request) and needs msgpack.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from spanwire_bench._mirror import Writer
from spanwire_bench._shapes import Shape, of_datadog
from spanwire_bench._sink_process import answer

__all__ = ["MODULE", "Received", "decode"]

MODULE = "spanwire_bench._intake"
_KEPT_SPANS = 1000
_ANSWER = b'{"rate_by_service":{}}'


def decode(path: str, body: bytes) -> list[Shape]:
    """The spans of a request; raises ValueError for a format that it does not know, or whatever msgpack raises."""
    unpacked = importlib.import_module("msgpack").unpackb(body, strict_map_key=False)
    match path.split("/"):
        case [_, "v0.4", "traces"]:
            return [
                of_datadog(span["resource"], span.get("meta") or {}, span.get("metrics") or {})
                for trace in unpacked
                for span in trace
            ]
        case [_, "v0.5", "traces"]:
            words, traces = unpacked
            return [_v05(words, span) for trace in traces for span in trace]
    raise ValueError(f"no spans come to {path}")


def _v05(words: list[str], span: list[Any]) -> Shape:
    """Service, name, resource, trace id, span id, parent, start, duration, error, meta, metrics, type: texts by index."""
    meta = {words[key]: words[value] for key, value in span[9].items()}
    return of_datadog(words[span[2]], meta, {words[key]: value for key, value in span[10].items()})


class Received:
    """Counts what came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        with self._lock:
            self.spans = self.requests = 0
            self.kept: list[Shape] = []

    def add(self, path: str, body: bytes) -> None:
        """Of one request; ``/info`` and the like hold no spans."""
        if not path.endswith("/traces"):
            return
        spans = decode(path, body)
        with self._lock:
            self.spans += len(spans)
            self.requests += bool(spans)
            self.kept += spans[: max(0, _KEPT_SPANS - len(self.kept))]


def _server(received: Received) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one segment

        def _do(self) -> None:
            received.add(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(_ANSWER)))
            self.end_headers()
            self.wfile.write(_ANSWER)

        do_GET = do_POST = do_PUT = _do  # noqa: N815 - the names that the base class calls

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def _serve() -> None:
    received = Received()
    server = _server(received)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Writer(sys.argv[1] if len(sys.argv) > 1 else None, lambda: received.spans) as mirror:
        answer(
            f"http://127.0.0.1:{server.server_port}",
            {
                "count": lambda: received.spans,
                "requests": lambda: received.requests,
                "shapes": lambda: json.dumps(received.kept),
                "clear": lambda: mirror.clearing(received.clear),
            },
        )


if __name__ == "__main__":
    _serve()
