"""``span.end()`` timed, in a process of its own: ``python -m … SIDE ENDPOINT ENDS RATE QUEUE [flush] [dead]``.

Writes to its standard output, in native words of 64 bits: ENDS times what ``end()`` took in ns, then ENDS times what the same
two readings of the clock took with nothing in between, each right after an ``end()``.
"""

from __future__ import annotations

import array
import os
import sys
import threading
import time
from itertools import repeat
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind

from spanwire_bench import _pipelines
from spanwire_bench._trace_loops import w5
from spanwire_bench._with_parent import end_with_parent

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = ["BURST", "WARM"]

BURST = 100  # spans between two pauses
WARM = 1000  # spans beforehand
_FLUSH_PAUSE_SECONDS = 0.001


def _measure(tracer: Tracer, times: array.array[int], nothing: array.array[int], rate: float) -> None:
    clock = time.perf_counter_ns
    number = 0
    began = clock()
    while number < len(times):
        for _ in repeat(None, min(BURST, len(times) - number)):
            with tracer.start_as_current_span("GET /users/{id}", kind=SpanKind.SERVER, end_on_exit=False) as span:
                span.set_attribute("http.request.method", "GET")
                span.set_attribute("url.path", "/users/42")
                span.set_attribute("http.response.status_code", 200)
                span.set_attribute("server.load", 0.42)
                span.set_attribute("cache.hit", True)
            begin = clock()
            span.end()
            end = clock()
            times[number] = end - begin
            begin = clock()
            end = clock()
            nothing[number] = end - begin
            number += 1
        if rate and (early := began / 1e9 + number / rate - clock() / 1e9) > 0:
            time.sleep(early)


def _flush_again_and_again(pipeline: _pipelines.Pipeline) -> None:
    while True:
        pipeline.flush()
        time.sleep(_FLUSH_PAUSE_SECONDS)


def _main(side: str, endpoint: str, ends: int, rate: float, queue: int, *words: str) -> None:
    _pipelines.quiet()
    pipeline = _pipelines.Pipeline.to(endpoint, side, max_queue_size=queue or None)
    tracer = pipeline.tracer
    w5(tracer, WARM)
    times, nothing = (array.array("Q", bytes(8 * ends)) for _ in range(2))
    if "flush" in words:
        threading.Thread(target=_flush_again_and_again, args=(pipeline,), daemon=True).start()
    _measure(tracer, times, nothing, rate)
    if "dead" not in words:
        pipeline.flush()
    for one in (times, nothing):
        sys.stdout.buffer.write(one)
    sys.stdout.flush()
    os._exit(0)  # a dead backend is not waited for


if __name__ == "__main__":
    end_with_parent()
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]), *sys.argv[6:])
