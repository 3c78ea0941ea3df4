"""One side of one round of ``spanwire bench export``, in a process of its own.

``python -m spanwire_bench._delivery_child SIDE WORKLOAD ENDPOINT MIRROR SPANS SECONDS BATCH COMPRESSION``: SPANS 0 means as many
as take SECONDS of CPU, BATCH 0 what the side sends in a request by default. It sends a sample, prints ``sampled``, waits for a line on stdin (whoever asked looks at the
sample meanwhile), warms up, measures, and prints one line of JSON. Exit status 3: what the side needs is not installed.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable

from spanwire_bench._with_parent import end_with_parent

__all__ = ["NOT_INSTALLED", "command", "run"]

NOT_INSTALLED = 3
_PAUSE_SECONDS = 0.002
_PATIENCE_SECONDS = 30.0
_WARM_SPANS = 4096
_CALIBRATED_SECONDS = 0.1  # CPU


def command(python: str, *arguments: object) -> list[str]:
    """What to start for this program."""
    return [python, "-m", __name__, *map(str, arguments)]


def run(
    side: str, workload: str, endpoint: str, mirror: str, spans: int, seconds: float, batch: int = 0
) -> dict[str, int]:
    """The measured spans and their CPU in ns, and everything made; raises RuntimeError if not all of it arrives."""
    from spanwire_bench import _delivery_programs, _delivery_sides, _mirror

    sender = _delivery_sides.make(side, workload, endpoint, batch or None)
    received = _mirror.reader(mirror)
    most_outstanding = sender.most_outstanding - _delivery_programs.STEP_SPANS
    made = 0

    def make(count: int) -> None:
        """At least so many, never more in flight than the side can hold."""
        nonlocal made
        end = made + count
        while made < end:
            while made - received() > most_outstanding:
                time.sleep(_PAUSE_SECONDS)
            made += sender.step()

    def deliver() -> None:
        sender.flush()
        if not sender.delivers:
            return
        _wait(lambda: received() >= made, lambda: f"{made} spans made, {received()} received")

    def taken(count: int) -> int:
        begin = _cpu_ns()
        make(count)
        deliver()
        return _cpu_ns() - begin

    make(1)
    deliver()
    print("sampled", flush=True)
    sys.stdin.readline()

    taken(min(spans, _WARM_SPANS) if spans else _WARM_SPANS)
    if not spans:
        before, cpu = made, taken(_WARM_SPANS)
        while cpu < _CALIBRATED_SECONDS * 1e9:
            before, cpu = made, taken(2 * (made - before))
        spans = round((made - before) * seconds * 1e9 / cpu)
    gc.collect()
    gc.freeze()  # what is imported is not looked through again while measuring; what spans leave behind is
    before = made
    cpu = taken(spans)
    measured = made - before
    sender.shutdown()
    return {"spans": measured, "cpu_ns": cpu, "made": made}


def _wait(done: Callable[[], bool], state: Callable[[], str]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"spans were lost: {state()}")
        time.sleep(_PAUSE_SECONDS)


def _cpu_ns() -> int:
    """User and system time of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round((used.ru_utime + used.ru_stime) * 1e9)


def _main() -> int:
    side, workload, endpoint, mirror, spans, seconds, batch, compression = sys.argv[1:]
    os.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
    try:
        reading = run(side, workload, endpoint, mirror, int(spans), float(seconds), int(batch))
    except ImportError as error:
        print(error, file=sys.stderr)
        return NOT_INSTALLED
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(reading))
    return 0


if __name__ == "__main__":
    end_with_parent()
    sys.exit(_main())
