"""Spans a second that one worker thread delivers over a slow link: a wire that holds each byte back, each way.

    python -m benches.round_trip [--milliseconds 100] [--rate 50000] [--seconds 10] [--protocol http/protobuf] [--in-flight N]

The receiver and the wire have a process of their own. Spans are made at the rate; sustained means that the queue does not grow: what
still waits at the end is told beside what a second's spans are. By wall clock.
"""

import argparse
import importlib
import subprocess
import sys
import time
from typing import Any

from benches.outage import W5
from tests.faults.delivery.app import MODULES

BURSTS = 100  # a second


def backend(milliseconds: float) -> None:
    """The process at the other end: says its port, and at the end how many spans came."""
    from spanwire.sink import Sink
    from tests.faults.delivery.wire import Wire

    with Sink(max_bytes=1 << 20) as sink, Wire() as wire:
        wire.lead_to(lambda: sink.port)
        wire.open(delay=milliseconds / 2000)
        print(wire.port, flush=True)
        sys.stdin.readline()
        print(sink.span_count, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--milliseconds", type=float, default=100, help="the round trip")
    parser.add_argument("--rate", type=int, default=50_000, help="spans a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--protocol", choices=sorted(MODULES), default="http/protobuf")
    parser.add_argument("--in-flight", type=int, help="requests at once; default: the exporter's own")
    parser.add_argument("--backend", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.backend:
        backend(asked.milliseconds)
        return
    command = [sys.executable, "-m", "benches.round_trip", *sys.argv[1:], "--backend"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())
        told = send(f"http://127.0.0.1:{port}" + ("" if asked.protocol == "grpc" else "/v1/traces"), asked)
        process.stdin.write("\n")
        process.stdin.flush()
        print(f"{told}; arrived {int(process.stdout.readline()):,}")


def send(endpoint: str, asked: argparse.Namespace) -> str:
    import spanwire
    from spanwire.trace import TracerProvider
    from spanwire.trace.export import BatchSpanProcessor

    exporter = importlib.import_module(MODULES[asked.protocol]).OTLPSpanExporter(endpoint=endpoint)
    provider = TracerProvider(shutdown_on_exit=False)
    options: dict[str, Any] = {} if asked.in_flight is None else {"max_in_flight": asked.in_flight}
    provider.add_span_processor(BatchSpanProcessor(exporter, **options))
    tracer = provider.get_tracer("round trip")
    began, made, waiting = time.monotonic(), 0, []
    while (passed := time.monotonic() - began) < asked.seconds:
        for _ in range(int(passed * asked.rate) - made):
            tracer.start_span("GET /cart", attributes=W5).end()
            made += 1
        waiting.append(counts(spanwire.stats())["queued"])
        time.sleep(1 / BURSTS)
    queued, cpu = counts(spanwire.stats())["queued"], time.process_time()
    flushing = time.monotonic()
    provider.force_flush(60_000)
    flushed = time.monotonic() - flushing
    provider.shutdown()
    account = counts(spanwire.stats())
    half = waiting[len(waiting) // 2 :]
    return (
        f"{asked.protocol}, {asked.milliseconds:g} ms: made {made:,} in {passed:.1f} s = {made / passed:,.0f} a second, CPU {cpu:.1f} s; "
        f"waiting in the second half at most {max(half):,}, at the end {queued:,}, sent in {flushed:.2f} s more; "
        f"{account['requests']:,} requests over {account['connections']} connections, lost {account['dropped']}"
    )


def counts(stats: dict[str, Any]) -> dict[str, Any]:
    (account,) = stats["traces"].values()
    found: dict[str, Any] = account
    return found


if __name__ == "__main__":
    main()
