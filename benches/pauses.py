"""How long ``end()`` keeps its caller where a durable queue needs a file at once: the cases of ``python -m benches.durable pauses``.

    python -m benches.pauses CASE FOLDER ENDS FSYNC

Prints one line of JSON: quantiles in ns, how many calls took over 50 and 150 ms, and the account of the spans. In the case ``child`` each
sample is the first ``end()`` of another forked child. Nothing takes the spans: the backend refuses connections.
"""

import array
import json
import os
import socket
import struct
import sys
import time
from typing import Any

from opentelemetry.trace import Tracer

import spanwire
from benches.outage import W5
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

__all__ = ["CASES", "measure"]

MIB = 1 << 20
#: name: what it is, and how many calls for each that was asked for.
CASES = {
    "steady": ("spans with 5 attributes, 100 each 5 ms", 1.0),
    "burst": ("spans with 5 attributes as fast as they come: spares run out", 1.0),
    "large": ("every 50th span has 1.5 MiB", 0.001),
    "child": ("the first span of a forked child", 0.0001),
    "mixed": ("as steady; every 5,000th span has 1.5 MiB, every 20,000th is a child's first; bursts of 100,000", 1.0),
}


def provider(folder: str, fsync: str, max_bytes: int) -> TracerProvider:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    queue = DurableQueue(folder, service="pauses", fsync=fsync, fsync_interval=0.1, recover=False, max_bytes=max_bytes)
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", durable=queue))
    )
    return made


def _first_of_child(tracer: Tracer) -> int:
    reads, writes = os.pipe()
    if (child := os.fork()) == 0:
        span = tracer.start_span("GET /cart", attributes=W5)
        before = time.perf_counter_ns()
        span.end()
        os.write(writes, struct.pack("Q", time.perf_counter_ns() - before))
        os._exit(0)
    os.close(writes)
    took = os.read(reads, 8)
    os.close(reads)
    os.waitpid(child, 0)
    return int(struct.unpack("Q", took)[0])


def measure(case: str, folder: str, ends: int, fsync: str) -> "dict[str, Any]":
    tracer = provider(folder, fsync, 512 * MIB).get_tracer("pauses")
    took = array.array("Q", [0]) * ends
    large = W5 | {"text": "x" * (3 * MIB // 2)}
    clock = time.perf_counter_ns
    for number in range(ends):
        if case == "child" or (case == "mixed" and number % 20_000 == 10_000):
            took[number] = _first_of_child(tracer)
            continue
        is_large = (case == "large" and number % 50 == 0) or (case == "mixed" and number % 5_000 == 0)
        span = tracer.start_span("GET /cart", attributes=large if is_large else W5)
        before = clock()
        span.end()
        took[number] = clock() - before
        is_paced = case == "steady" or (case == "mixed" and number // 100_000 % 3 > 0)
        if is_paced and number % 100 == 0:
            time.sleep(0.005)
    samples = sorted(took)
    account: dict[str, Any] = next(iter(spanwire.stats()["traces"].values()), {})
    return {
        "case": case,
        "ends": ends,
        "p50": samples[ends // 2],
        "p99.99": samples[min(ends - 1, ends * 9999 // 10000)],
        "max": samples[-1],
        "over 50 ms": sum(sample > 50_000_000 for sample in samples),
        "over 150 ms": sum(sample > 150_000_000 for sample in samples),
        "account": {name: account.get(name) for name in ("accepted", "exported", "queued", "dropped")},
        "durable": [{name: one[name] for name in ("failures", "last_error")} for one in spanwire.stats()["durable"]],
    }


if __name__ == "__main__":
    case, folder, ends, fsync = sys.argv[1:]
    print(json.dumps(measure(case, folder, int(ends), fsync)), flush=True)
    os._exit(0)
