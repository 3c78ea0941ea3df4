"""A real server of one worker that a benchmark steers: ``python -m … FRAMEWORK ENDPOINT``.

It prints its port, then answers lines on its standard input: ``use SIDE`` by letting that side's application answer from now on;
``cpu`` by sending what the side has queued and telling the CPU (ns) of the process so far; ``profile`` and ``stop`` by profiling what
requests come in between, and ``groups`` with their own times by group; ``forget`` and ``calls`` by counting what the side ``recording``
was called in between, ``cost`` with what such calls take on the null tracer and ``replay TIMES`` with what they take on the tracer of the
side in use. Answers are JSON. What the server does after its answer is over when the next one is there.
"""

from __future__ import annotations

import asyncio
import cProfile
import importlib
import json
import os
import socket
import sys
import threading
import time
from typing import Any

from opentelemetry import trace

from spanwire_bench import _pipelines, _web_null, _web_profile, _web_script
from spanwire_bench._web_apps import UNTRACED, Sides


class _Switch:
    """Requests go to the application of the side in use, under a profiler if one is wanted."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._side = UNTRACED
        self._profiler: cProfile.Profile | None = None
        self._app: Any = sides.apps[UNTRACED]

    def wsgi(self, environ: Any, start_response: Any) -> Any:
        if self._profiler is None:
            return self._app(environ, start_response)
        with self._profiler:
            answer = self._app(environ, start_response)
            body = list(answer)
            answer.close()  # the request ends here, and with it the span
        return body

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        if self._profiler is None:
            await self._app(scope, receive, send)
            return
        with self._profiler:
            await self._app(scope, receive, send)

    def obey(self) -> None:
        """Until standard input ends; then the process ends too."""
        profiled: cProfile.Profile | None = None
        for line in sys.stdin:
            match line.split(maxsplit=1):
                case ["use", side]:
                    self._side = side.strip()
                    self._app = self._sides.apps[self._side]
                    answer: object = "used"
                case ["cpu"]:
                    if self._side in self._sides.pipelines:
                        self._sides.pipelines[self._side].flush()
                    answer = time.process_time_ns()
                case ["profile"]:
                    self._profiler = cProfile.Profile()
                    answer = "profiling"
                case ["stop"]:
                    profiled, self._profiler = self._profiler, None
                    answer = "stopped"
                case ["groups"]:
                    assert profiled is not None
                    answer = _web_profile.by_group(profiled)
                case ["forget"]:
                    self._sides.recorded.script.clear()
                    answer = "forgotten"
                case ["calls"]:
                    answer = self._sides.recorded.calls()
                case ["cost"]:
                    answer = _web_null.own_cost(self._sides.recorded.calls())
                case ["replay", times]:
                    answer = self._replay(int(times))
                case _:
                    answer = f"what is {line!r}?"
            print(json.dumps(answer), flush=True)
        os._exit(0)  # servers have ways of their own to end

    def _replay(self, times: int) -> float:
        """CPU (ns) of the calls written down, by the side in use, sending included."""
        pipeline = self._sides.pipelines.get(self._side)
        provider: trace.TracerProvider = _web_null.NullProvider() if pipeline is None else pipeline.provider
        tracer = provider.get_tracer(__spec__.name)
        before = time.process_time_ns()
        _web_script.replay(self._sides.recorded.script, tracer, times)
        if pipeline is not None:
            pipeline.flush()
        return (time.process_time_ns() - before) / times


def _serve_flask(switch: _Switch, listening: socket.socket) -> None:
    serving: Any = importlib.import_module("werkzeug.serving")

    class Handler(serving.WSGIRequestHandler):  # type: ignore[misc]  # a module that is found at run time
        def log_request(self, *_: object) -> None:
            """Nothing: a line of access log costs more than a span."""

    serving.make_server("127.0.0.1", 0, switch.wsgi, request_handler=Handler, fd=listening.fileno()).serve_forever()


def _serve_fastapi(switch: _Switch, listening: socket.socket) -> None:
    uvicorn: Any = importlib.import_module("uvicorn")
    config = uvicorn.Config(
        switch.asgi, interface="asgi3", log_level="error", access_log=False, lifespan="off", timeout_keep_alive=60
    )
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


def _main(framework: str, endpoint: str) -> None:
    _pipelines.quiet()
    switch = _Switch(Sides.of(framework, endpoint))
    # asyncio switches Nagle's algorithm off only for sockets that say which protocol they are of.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        print(listening.getsockname()[1], flush=True)
        threading.Thread(target=switch.obey, name="control", daemon=True).start()
        {"flask": _serve_flask, "fastapi": _serve_fastapi}[framework](switch, listening)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
