"""A process that traces steadily, whatever its backend does: ``python -m … SIDE ENDPOINT RATE SECONDS``.

It prints ``ready`` when everything is set up and has been used once, then works for SECONDS, prints how many spans it made in all, flushes,
prints ``flushed`` and ends. Who started it looks at its memory from outside.
"""

from __future__ import annotations

import gc
import os
import sys

from spanwire_bench import _pipelines, _steady
from spanwire_bench._trace_loops import w5
from spanwire_bench._with_parent import end_with_parent

__all__ = ["WARM"]

WARM = 2000  # spans beforehand


def _main(side: str, endpoint: str, rate: float, seconds: float) -> None:
    _pipelines.quiet()
    pipeline = _pipelines.Pipeline.to(endpoint, side)
    tracer = pipeline.tracer
    w5(tracer, WARM)
    pipeline.flush()
    gc.collect()
    print("ready", flush=True)
    made = _steady.make(lambda count: w5(tracer, count), rate=rate, seconds=seconds)
    print(WARM + made, flush=True)
    pipeline.flush()
    print("flushed", flush=True)
    os._exit(0)  # what is still not sent is not waited for


if __name__ == "__main__":
    end_with_parent()
    _main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
