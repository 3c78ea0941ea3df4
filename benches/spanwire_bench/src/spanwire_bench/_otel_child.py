"""The OpenTelemetry benchmark specification's spans, in a process of its own that prints JSON.

``python -m … create SIDE ENDPOINT MIRROR CORE SECONDS``: as many spans as can be created and exported in about SECONDS, and how long it took.
``python -m … load SIDE ENDPOINT MIRROR CORE SECONDS RATE PROCESSOR LOOK``: RATE spans a second to PROCESSOR (``batch`` or ``simple``), and
what LOOK (``cpu``, once a second, or ``memory``, ten times) was in the course of it.

CORE -1 is any core. The receiver keeps the number of spans in the file MIRROR; never more wait for it than a queue holds.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pathlib
import resource
import sys
import time
import uuid
from itertools import repeat
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource

from spanwire_bench import _mirror, _pipelines, _steady
from spanwire_bench._trace_sides import MODULES
from spanwire_bench._with_parent import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer

__all__: list[str] = []

_WARM = 2000  # spans beforehand
_SIMPLY_WARM = 100  # the same where each is a request
# Spans that may be made and not yet received. More might not fit into the SDK's queue; ours has a bound in bytes that holds several times as many.
_MOST_OUTSTANDING = {"official": 2048 - 256, "spanwire": 16_384}
_STEP = 64
_ALONE = 1 / 15  # of the time, the loop that keeps the rate runs with nothing in it
_PAUSE_SECONDS = 0.001
_PATIENCE_SECONDS = 60.0


def _ten_attributes(tracer: Tracer, count: int) -> None:
    """Names and values have 20 characters."""
    for _ in repeat(None, count):
        span = tracer.start_span("benchmark.span.name")
        span.set_attribute("benchmark.attr.key.0", "benchmark.value.00.0")
        span.set_attribute("benchmark.attr.key.1", "benchmark.value.00.1")
        span.set_attribute("benchmark.attr.key.2", "benchmark.value.00.2")
        span.set_attribute("benchmark.attr.key.3", "benchmark.value.00.3")
        span.set_attribute("benchmark.attr.key.4", "benchmark.value.00.4")
        span.set_attribute("benchmark.attr.key.5", "benchmark.value.00.5")
        span.set_attribute("benchmark.attr.key.6", "benchmark.value.00.6")
        span.set_attribute("benchmark.attr.key.7", "benchmark.value.00.7")
        span.set_attribute("benchmark.attr.key.8", "benchmark.value.00.8")
        span.set_attribute("benchmark.attr.key.9", "benchmark.value.00.9")
        span.add_event("benchmark.event")
        span.end()


def _one_attribute(tracer: Tracer, count: int) -> None:
    for _ in repeat(None, count):
        span = tracer.start_span("benchmark.span.name")
        span.set_attribute("benchmark.number", 4_294_967_296)
        span.add_event("benchmark.event")
        span.end()


def _pipeline(endpoint: str, side: str, *, simple: bool = False) -> _pipelines.Pipeline:
    resource = Resource(
        {
            "service.name": "benchmarks",
            "service.version": "1.0.0-beta",
            "service.instance.id": str(uuid.uuid4()),
        }
    )
    always_on: Any = importlib.import_module(f"{MODULES[side]}.sampling").ALWAYS_ON
    return _pipelines.Pipeline.to(endpoint, side, simple=simple, resource=resource, sampler=always_on)


def _arrived(pipeline: _pipelines.Pipeline, received: Callable[[], int], made: int) -> None:
    """Flush; raises RuntimeError if something never arrives."""
    pipeline.flush()
    end = time.monotonic() + _PATIENCE_SECONDS
    while received() < made:
        if time.monotonic() > end:
            raise RuntimeError(f"spans were lost: {made} spans made, {received()} received")
        time.sleep(_PAUSE_SECONDS)


def _create(side: str, endpoint: str, mirror: str, seconds: float) -> dict[str, object]:
    pipeline, received = _pipeline(endpoint, side), _mirror.reader(mirror)
    tracer = pipeline.tracer

    def work(made: int, end: float) -> int:
        """Until ``end``, never more in flight than a queue holds; what is made then."""
        while time.monotonic() < end:
            if made - received() > _MOST_OUTSTANDING[side] - _STEP:
                time.sleep(_PAUSE_SECONDS)
            else:
                _ten_attributes(tracer, _STEP)
                made += _STEP
        _arrived(pipeline, received, made)
        return made

    before = work(0, time.monotonic() + seconds / 4)  # the warm-up
    gc.collect()
    begin = time.monotonic()
    made = work(before, begin + seconds)
    return {"spans": made - before, "seconds": time.monotonic() - begin, "made": made}


def _load(
    side: str, endpoint: str, mirror: str, seconds: float, *, rate: float, simple: bool, memory: bool
) -> dict[str, object]:
    pipeline, received = _pipeline(endpoint, side, simple=simple), _mirror.reader(mirror)
    tracer = pipeline.tracer
    warm = 0 if memory else _SIMPLY_WARM if simple else _WARM  # what is made at first is part of the memory
    _one_attribute(tracer, warm)
    _arrived(pipeline, received, warm)
    gc.collect()
    alone = _cpu_seconds()
    _steady.make(lambda count: None, rate=rate, seconds=seconds * _ALONE)
    alone = (_cpu_seconds() - alone) / _ALONE

    see = _resident_bytes if memory else _cpu_seconds
    every = seconds / (150 if memory else 15)
    begin = time.monotonic()
    looks = [(0.0, see())]

    def look(made: int) -> None:
        if (after := time.monotonic() - begin) - looks[-1][0] >= every:
            looks.append((after, see()))

    made = _steady.make(
        lambda count: _one_attribute(tracer, count),
        rate=rate,
        seconds=seconds,
        room=lambda made: warm + made - received() < _MOST_OUTSTANDING[side],
        look=look,
    )
    took = time.monotonic() - begin
    _arrived(pipeline, received, warm + made)
    looks.append((time.monotonic() - begin, see()))
    return {"spans": made, "seconds": took, "made": warm + made, "loop_cpu": alone, "looks": looks}


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _resident_bytes() -> float:
    pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _main(what: str, side: str, endpoint: str, mirror: str, core: str, seconds: str, *more: str) -> None:
    if int(core) >= 0:
        os.sched_setaffinity(0, {int(core)})  # threads that come later inherit it
    if what == "create":
        said = _create(side, endpoint, mirror, float(seconds))
    else:
        rate, processor, look = more
        said = _load(
            side,
            endpoint,
            mirror,
            float(seconds),
            rate=float(rate),
            simple=processor == "simple",
            memory=look == "memory",
        )
    print(json.dumps(said), flush=True)
    os._exit(0)  # everything has arrived


if __name__ == "__main__":
    end_with_parent()
    _main(*sys.argv[1:])
