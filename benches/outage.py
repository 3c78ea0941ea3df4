"""Spans that an outage costs: made at a steady rate while connections are refused, then the backend is there again.

    python -m benches.outage [--seconds 60] [--rate 1000] [--timeout 10]

By wall clock, since back-offs are; nothing else on the machine is needed. docs/operations.md has figures.
"""

import argparse
import socket
import time

import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor

BURSTS = 10  # a second
W5: dict[str, str | int | float | bool] = {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "load": 1.5,
    "hit": True,
    "url.path": "/cart",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=1000, help="spans a second")
    parser.add_argument("--timeout", type=float, default=10, help="the exporter's")
    asked = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", timeout=asked.timeout)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("outage")
    began, made = time.monotonic(), 0
    while time.monotonic() - began < asked.seconds:
        for _ in range(asked.rate // BURSTS):
            tracer.start_span("GET /cart", attributes=W5).end()
        made += asked.rate // BURSTS
        time.sleep(max(0.0, began + made / asked.rate - time.monotonic()))
    with Sink(port=port) as sink:
        provider.force_flush(60_000)
        (counts,) = spanwire.stats()["traces"].values()
        print(f"made {made:,}, arrived {sink.span_count:,}, lost {counts['dropped']}, {counts['retries']} retries")
    provider.shutdown()


if __name__ == "__main__":
    main()
