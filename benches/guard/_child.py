"""``python _child.py CASE``: one case of Python's for ``_count``, which runs it under callgrind.

Warms up, does rounds of ``ROUND`` operations each, and calls ``getppid`` where one begins and ends, at which callgrind writes down what
was executed since. Between rounds objects of all sizes are made and kept: whether a case meets the end of one of the allocator's
pools with every span is luck, worth 0.2 %, and differs from round to round then.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

CASES = {
    "whole/w5": ("w5", "a W5 span, whole, its frame into a queue"),
    "whole/w10": ("w10", "a W10 span, likewise"),
    "whole/unsampled": ("unsampled-root", "a W5 span that is not sampled"),
    "whole/encode-w5": ("", "a W5 span of the SDK's in a batch of 512, encoded"),
}
ROUND = 1024
ROUNDS = 5
_BATCH = 512


def _encoding() -> Callable[[int], object]:
    from spanwire import encode_spans
    from spanwire_bench import _workloads

    batch = _workloads.make("W5", _BATCH)

    def run(count: int) -> None:
        for _ in range(count // _BATCH):
            encode_spans(batch)

    return run


def _tracing(name: str, stack: ExitStack) -> Callable[[int], object]:
    from spanwire_bench._trace_cases import CASES as TRACE_CASES
    from spanwire_bench._trace_sides import Side

    (case,) = (one for one in TRACE_CASES if one.name == name)
    return case.make(stack.enter_context(Side("spanwire")))


def _main(name: str) -> None:
    import spanwire
    from spanwire import _native

    # What is counted is the build with names and not what is installed.
    package = os.environ["PYTHONPATH"]
    for module in (spanwire, _native):
        if not Path(str(module.__file__)).is_relative_to(package):
            raise SystemExit(f"{module.__file__} is not below {package}")
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    traced = CASES[name][0]
    with ExitStack() as stack:
        run = _tracing(traced, stack) if traced else _encoding()
        run(ROUND)
        gc.collect()
        gc.disable()
        kept: list[bytes] = []
        for number in range(ROUNDS):
            kept += [bytes(size) for size in range(0, 480, 16) for _ in range(7 * number)]
            run(_BATCH)
            os.getppid()
            run(ROUND)
            os.getppid()


if __name__ == "__main__":
    _main(sys.argv[1])
