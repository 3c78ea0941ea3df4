"""How long small requests wait for the worker while it compresses large ones for another destination.

    python -m benches.packing [--compression gzip] [--rounds 300]

A thread keeps a queue of large spans full, whose requests of some megabytes are compressed. Meanwhile the main thread ends one span at a time for
another destination, and waits until that has it. Prints the times of these waits, and of as many without the large ones.
"""

import argparse
import base64
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

SINK = """
import sys
from spanwire.sink import Sink
with Sink() as sink:
    print(sink.traces_endpoint, flush=True)
    sys.stdin.read()
"""


@contextmanager
def sink() -> Iterator[str]:
    """A sink in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", SINK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


def provider(exporter: OTLPSpanExporter, batch: int) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=4 * batch, max_export_batch_size=batch))
    return made


def waits(small: TracerProvider, rounds: int) -> list[float]:
    tracer, seconds = small.get_tracer("small"), []
    for _ in range(rounds):
        tracer.start_span("one").end()
        start = time.perf_counter()
        assert small.force_flush()
        seconds.append(time.perf_counter() - start)
        time.sleep(0.005)
    return sorted(seconds)


def line(name: str, seconds: list[float]) -> str:
    p99 = seconds[int(len(seconds) * 0.99)]
    figures = (seconds[0], statistics.median(seconds), p99, seconds[-1])
    return f"{name:24}" + "".join(f"{figure * 1e3:10.2f} ms" for figure in figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compression", default="gzip", choices=("gzip", "zstd", "deflate"))
    parser.add_argument("--rounds", default=300, type=int)
    options = parser.parse_args()
    text = base64.b64encode(os.urandom(3000)).decode()
    with sink() as one, sink() as other:
        small = provider(OTLPSpanExporter(endpoint=one, compression="none"), 64)
        large = provider(OTLPSpanExporter(endpoint=other, compression=options.compression), 1000)
        alone = waits(small, options.rounds)
        is_over = threading.Event()

        def fill() -> None:
            tracer = large.get_tracer("large")
            while not is_over.is_set():
                for _ in range(500):
                    tracer.start_span("large", attributes={"text": text}).end()
                is_over.wait(0.002)

        filling = threading.Thread(target=fill)
        filling.start()
        time.sleep(0.5)
        beside = waits(small, options.rounds)
        is_over.set()
        filling.join()
        large.shutdown()
        small.shutdown()
    print(f"{'a span until it arrived':24}{'minimum':>13}{'median':>13}{'p99':>13}{'maximum':>13}")
    print(line("alone", alone))
    print(line(f"beside {options.compression} of 4 MB", beside))


if __name__ == "__main__":
    main()
