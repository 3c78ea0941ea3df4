"""Memory of spans that wait, and what an idle process does, each in a process of its own that prints JSON.

``python -m … queued SIDE SPANS``: exports to a sink, loses it, and makes SPANS that nobody takes.
``python -m … idle SIDE SECONDS``: exports to a sink and then does nothing; the side ``none`` does that without tracing.
"""

from __future__ import annotations

import gc
import json
import os
import pathlib
import resource
import sys
import time

from spanwire_bench import _pipelines
from spanwire_bench._sink_process import SinkProcess
from spanwire_bench._trace_loops import w5
from spanwire_bench._with_parent import end_with_parent

__all__ = ["NOTHING"]

NOTHING = "none"  # the side that does not trace
_WARM = 2000  # spans beforehand
_SETTLE_SECONDS = 1.0


def _queued(side: str, spans: int) -> dict[str, object]:
    with SinkProcess() as sink:
        room = spans + _WARM if side == "official" else None
        pipeline = _pipelines.Pipeline.to(sink.endpoint, side, max_queue_size=room)
        w5(pipeline.tracer, _WARM)
        pipeline.flush()
    gc.collect()
    before = _resident_bytes()
    w5(pipeline.tracer, spans)
    gc.collect()
    grown = _resident_bytes() - before
    return {"grown": grown, "queued": pipeline.queued()}


def _idle(side: str, seconds: float) -> dict[str, object]:
    with SinkProcess() as sink:
        if side != NOTHING:
            pipeline = _pipelines.Pipeline.to(sink.endpoint, side)
            w5(pipeline.tracer, _WARM)
            pipeline.flush()
        gc.collect()
        time.sleep(_SETTLE_SECONDS)
        before = resource.getrusage(resource.RUSAGE_SELF)
        time.sleep(seconds)
        after = resource.getrusage(resource.RUSAGE_SELF)
        threads = _other_threads()
    return {
        "cpu_ns": round((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e9),
        "switches": after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw,
        "threads": threads,
    }


def _resident_bytes() -> int:
    pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _other_threads() -> list[str]:
    """The system's names of all threads but the main one."""
    tasks = pathlib.Path("/proc/self/task").iterdir()
    others = [task for task in tasks if int(task.name) != os.getpid()]
    return sorted(task.joinpath("comm").read_text(encoding="utf-8").strip() for task in others)


if __name__ == "__main__":
    end_with_parent()
    _pipelines.quiet()
    question, who, amount = sys.argv[1:]
    print(json.dumps(_queued(who, int(amount)) if question == "queued" else _idle(who, float(amount))), flush=True)
    os._exit(0)  # a dead backend is not waited for
