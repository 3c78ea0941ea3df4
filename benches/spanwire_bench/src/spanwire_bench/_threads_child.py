"""W5 spans by several threads at once, in a process of its own: ``python -m … SIDE ENDPOINT THREADS SPANS``.

Prints as JSON the CPU (ns a span, user and system, every thread of the process) that it took to make about SPANS spans and to flush
them, after a warm-up.
"""

from __future__ import annotations

import json
import resource
import sys
import threading

from spanwire_bench import _pipelines
from spanwire_bench._trace_loops import w5
from spanwire_bench._with_parent import end_with_parent

__all__ = ["WARM", "spans_a_round"]

WARM = 2000  # spans beforehand


def spans_a_round(spans: int, threads: int) -> int:
    """Each thread makes as many as the others."""
    return max(1, spans // threads) * threads


def _cpu(pipeline: _pipelines.Pipeline, threads: int, each: int) -> float:
    tracer = pipeline.tracer
    gate = threading.Barrier(threads + 1)

    def work() -> None:
        gate.wait()
        w5(tracer, each)

    started = [threading.Thread(target=work) for _ in range(threads)]
    for thread in started:
        thread.start()
    begin = _cpu_seconds()
    gate.wait()
    for thread in started:
        thread.join()
    pipeline.flush()
    return (_cpu_seconds() - begin) * 1e9 / (each * threads)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _main(side: str, endpoint: str, threads: int, spans: int) -> None:
    room = 2 * max(spans, WARM) if side == "official" else None  # the SDK's own would drop most of them
    pipeline = _pipelines.Pipeline.to(endpoint, side, max_queue_size=room)
    w5(pipeline.tracer, WARM)
    pipeline.flush()
    each = spans_a_round(spans, threads) // threads
    print(json.dumps(_cpu(pipeline, threads, each)))
    pipeline.provider.shutdown()


if __name__ == "__main__":
    end_with_parent()
    _main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
