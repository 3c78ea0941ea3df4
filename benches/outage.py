"""What an outage costs a service: spans lost, CPU a span, how long `end()` keeps its caller, memory; beside the same without one.

    python -m benches.outage [--seconds 60] [--rate 5000] [--protocol http/protobuf] [--timeout 10] [--for-good] [--queue-bytes N]

A process makes W5 spans at a steady rate: for `--seconds` with a backend, then for as long while connections are refused, then for a third as
long again with it (not with --for-good), and flushes. Its CPU, all threads of it, and every `end()` are measured by phase. By wall clock, since
back-offs are; nothing else should use the machine. docs/operations.md has figures.
"""

import argparse
import array
import importlib
import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from spanwire.cli.bench.latency import Quantiles
from spanwire.sink import Sink
from tests.faults.delivery.app import MODULES

BURSTS = 100  # a second
W5: dict[str, str | int | float | bool] = {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "load": 1.5,
    "hit": True,
    "url.path": "/cart",
}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def phase(tracer: Any, seconds: float, rate: int) -> dict[str, Any]:
    """Spans at the rate; what they cost."""
    clock, took = time.perf_counter_ns, array.array("Q")
    began, cpu, made, most = time.monotonic(), time.process_time(), 0, 0
    while (passed := time.monotonic() - began) < seconds:
        for _ in range(int(passed * rate) - made):
            span = tracer.start_span("GET /cart", attributes=W5)
            before = clock()
            span.end()
            took.append(clock() - before)
            made += 1
        most = max(most, resident_bytes())
        time.sleep(1 / BURSTS)
    quantiles = Quantiles.of(took)
    return {
        "made": made,
        "cpu_ns_a_span": round((time.process_time() - cpu) / made * 1e9),
        "p50": quantiles.p50,
        "p99.9": quantiles.p999,
        "max": quantiles.maximum,
        "most_resident": most,
    }


def service(asked: argparse.Namespace) -> None:
    """The process that is measured; it says when the backend is to go and to come."""
    import spanwire
    from spanwire.trace import TracerProvider
    from spanwire.trace.export import BatchSpanProcessor

    exporter = importlib.import_module(MODULES[asked.protocol]).OTLPSpanExporter(
        endpoint=asked.service, timeout=asked.timeout
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("outage")
    phase(tracer, 1, asked.rate)  # warm
    phases = {"before": phase(tracer, asked.seconds, asked.rate)}
    tell("go")
    phases["outage"] = phase(tracer, asked.seconds, asked.rate)
    if not asked.for_good:
        tell("come")
        phases["after"] = phase(tracer, asked.seconds / 3, asked.rate)
    began = time.monotonic()
    flushed = provider.force_flush(2_000 if asked.for_good else 60_000)
    between = time.monotonic()
    provider.shutdown()
    ended = time.monotonic()
    (counts,) = spanwire.stats()["traces"].values()
    print(
        json.dumps(
            {
                "phases": phases,
                "made": counts["accepted"],
                "flushed": flushed,
                "flush_seconds": between - began,
                "shutdown_seconds": ended - between,
                "counts": counts,
                "most_resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        ),
        flush=True,
    )


def tell(word: str) -> None:
    print(word, flush=True)
    sys.stdin.readline()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=5000, help="spans a second")
    parser.add_argument("--protocol", choices=sorted(MODULES), default="http/protobuf")
    parser.add_argument("--timeout", type=float, default=10, help="the exporter's")
    parser.add_argument("--for-good", action="store_true", help="the backend does not come back")
    parser.add_argument("--json", action="store_true", help="print JSON, nothing else")
    parser.add_argument("--service", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.service:
        service(asked)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    endpoint = f"http://127.0.0.1:{port}" + ("" if asked.protocol == "grpc" else "/v1/traces")
    sinks = [Sink(port=port, max_bytes=1 << 20).start()]
    command = [sys.executable, "-m", "benches.outage", *sys.argv[1:], "--service", endpoint]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "go":
                sinks[-1].close()
            elif line.strip() == "come":
                sinks.append(Sink(port=port, max_bytes=1 << 20).start())
            else:
                result = json.loads(line)
                break
            process.stdin.write("\n")
            process.stdin.flush()
    sinks[-1].close()
    result["arrived"] = sum(sink.span_count for sink in sinks)
    print(json.dumps(result, indent=2) if asked.json else table(result))


def table(result: dict[str, Any]) -> str:
    lines = [f"{'':8} {'spans':>9} {'CPU a span':>12} {'end() p50':>10} {'p99.9':>10} {'max':>11} {'resident':>9}"]
    for name, row in result["phases"].items():
        lines.append(
            f"{name:8} {row['made']:>9,} {row['cpu_ns_a_span']:>9,} ns {row['p50']:>7,} ns {row['p99.9']:>7,} ns "
            f"{row['max']:>8,} ns {row['most_resident'] >> 20:>5} MiB"
        )
    counts = result["counts"]
    lost = sum(counts["dropped"].values())
    lines.append(
        f"made {result['made']:,}, arrived {result['arrived']:,}, lost {lost:,} {counts['dropped']}, {counts['retries']} retries; "
        f"flush {result['flush_seconds']:.2f} s, shutdown {result['shutdown_seconds']:.2f} s"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
