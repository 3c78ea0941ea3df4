"""One side of one case of ``spanwire bench trace`` in a process of its own, for programs that look at it from outside.

``python -m spanwire_bench._trace_child CASE SIDE COUNT`` warms up and then does about COUNT operations, no more.
Without COUNT it goes on until its standard input is closed, writes ``ready`` before and ns an operation after.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading

from spanwire.cli.toolkit import forget_environment

__all__ = ["WARM", "command"]

WARM = 1000  # operations beforehand: what is made once, and what the interpreter specialises


def command(case: str, side: str, count: int | None = None) -> list[str]:
    """What to start for this program."""
    return [sys.executable, "-m", __spec__.name, case, side, *([] if count is None else [str(count)])]


def _run(case_name: str, side_name: str, count: int | None) -> None:
    from spanwire_bench._trace_cases import CASES
    from spanwire_bench._trace_sides import Side

    forget_environment()
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    (case,) = (one for one in CASES if one.name == case_name)
    with Side(side_name) as side:
        run = case.make(side)
        run(WARM)
        gc.collect()
        gc.disable()
        if count is not None:
            if count:
                run(count)
            return
        asked = threading.Event()

        def wait() -> None:
            sys.stdin.read()
            asked.set()

        threading.Thread(target=wait, daemon=True).start()
        print("ready", flush=True)
        best = float("inf")
        while not asked.is_set():
            best = min(best, run(WARM))
        print(best)


if __name__ == "__main__":
    _run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
