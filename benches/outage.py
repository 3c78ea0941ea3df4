"""What an outage costs a service: spans lost, CPU a span, how long `end()` keeps its caller, memory; beside the same without one.

    python -m benches.outage [--seconds 60] [--rate 5000] [--protocol http/protobuf] [--timeout 10] [--for-good] [--queue SPANS] [--with-official]

A process makes W5 spans at a steady rate: for `--seconds` with a backend, then for as long while connections are refused, then for a third as
long again with it, and flushes. With `--for-good` the outage goes on until the queue is full, thrice `--seconds` at most, and then for
`--seconds` more. `--with-official` does the same with the SDK and its exporter. CPU of the process, all threads of it, and every `end()` are
measured by phase. By wall clock, since back-offs are; nothing else should use the machine. docs/operations.md has figures.

The last line is the result as JSON. Status 1 if the books are broken: a span lost while there was room, a count that is not exact, memory
beyond the bound or growing at it (`benches/outage_books.py`).
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benches.outage_books import broken
from spanwire.sink import Sink
from spanwire_bench.latency import Quantiles
from tests.faults.delivery.app import MODULES

BURSTS = 100  # a second
LOOKS = 2  # a second, at what waits
FLUSH_SECONDS = {True: 2.0, False: 60.0}  # by whether the backend is gone for good
OFFICIAL = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
}
W5: dict[str, str | int | float | bool] = {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "load": 1.5,
    "hit": True,
    "url.path": "/cart",
}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Service:
    """Makes spans at a steady rate, and measures."""

    def __init__(self, tracer: Any, rate: int, most: int) -> None:
        self._tracer = tracer
        self._rate = rate
        self._took = (
            array.array("Q", [0]) * most
        )  # all of it there from the start, so that memory shows what spans take
        self.made = 0
        self.waited = 0
        """Spans, at most, as far as was looked."""

    def phase(self, seconds: float, look: Callable[[], tuple[int, bool]] = lambda: (0, False)) -> dict[str, Any]:
        """What the spans of so many seconds cost. ``look``: how many wait, and whether this is over before."""
        clock, took, tracer = time.perf_counter_ns, self._took, self._tracer
        began, cpu, made, looked, resident = time.monotonic(), time.process_time(), 0, 0.0, []
        is_over = False
        while (passed := time.monotonic() - began) < seconds and not is_over:
            for _ in range(int(passed * self._rate) - made):
                span = tracer.start_span("GET /cart", attributes=W5)
                before = clock()
                span.end()
                took[made] = clock() - before
                made += 1
            resident.append(resident_bytes())
            if passed - looked > 1 / LOOKS:
                looked = passed
                waiting, is_over = look()
                self.waited = max(self.waited, waiting)
            time.sleep(1 / BURSTS)
        cpu = time.process_time() - cpu
        self.made += made
        quantiles = Quantiles.of(took[:made])
        half = len(resident) // 2
        return {
            "made": made,
            "cpu_ns_a_span": round(cpu / made * 1e9),
            "p50": quantiles.p50,
            "p99.9": quantiles.p999,
            "max": quantiles.maximum,
            "most_resident": max(resident),
            "grown": max(resident[half:]) - max(resident[:half]),
        }


def service(asked: argparse.Namespace) -> None:
    """The process that is measured; it says when the backend is to go and to come."""
    provider = official_provider(asked) if asked.official else our_provider(asked)
    most = int(asked.rate * (asked.seconds * (3 if asked.for_good else 1) + 2))
    made = Service(provider.get_tracer("outage"), asked.rate, most)
    made.phase(1)  # warm
    phases = {"before": made.phase(asked.seconds)}
    tell("go")
    if not asked.for_good:
        phases["outage"] = made.phase(asked.seconds, look=lambda: (counts(asked)["queued"], False))
        tell("come")
        phases["after"] = made.phase(asked.seconds / 3)
    elif asked.official:
        phases["outage"] = made.phase(asked.seconds)
    else:
        phases["outage"] = made.phase(3 * asked.seconds, look=lambda: filled(asked))
        phases["full"] = made.phase(asked.seconds, look=lambda: (counts(asked)["queued"], False))
    began = time.monotonic()
    ends = not (asked.official and asked.for_good)  # its flush takes each batch's timeout, one after the other
    flushed = provider.force_flush(int(FLUSH_SECONDS[asked.for_good] * 1000)) if ends else None
    between = time.monotonic()
    if ends:
        provider.shutdown()
    ended = time.monotonic()
    result = {
        "phases": phases,
        "made": made.made,
        "waited": made.waited,
        "queue": asked.queue,
        "is_for_good": asked.for_good,
        "flushed": flushed,
        "flush_limit": FLUSH_SECONDS[asked.for_good],
        "flush_seconds": between - began,
        "shutdown_seconds": ended - between,
        "counts": counts(asked),
        "most_resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(result), flush=True)
    if not ends:
        os._exit(0)


def our_provider(asked: argparse.Namespace) -> Any:
    from spanwire.trace import TracerProvider
    from spanwire.trace.export import BatchSpanProcessor

    exporter = importlib.import_module(MODULES[asked.protocol]).OTLPSpanExporter(
        endpoint=asked.service, timeout=asked.timeout
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=asked.queue))
    return provider


def official_provider(asked: argparse.Namespace) -> Any:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = importlib.import_module(OFFICIAL[asked.protocol]).OTLPSpanExporter(
        endpoint=asked.service, timeout=asked.timeout
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def counts(asked: argparse.Namespace) -> dict[str, Any]:
    """Of the one destination; the SDK counts nothing."""
    if asked.official:
        return {"queued": 0}
    import spanwire

    (found,) = spanwire.stats()["traces"].values()
    return dict(found)


def filled(asked: argparse.Namespace) -> tuple[int, bool]:
    account = counts(asked)
    return account["queued"], "queue_full" in account["dropped"]


def tell(word: str) -> None:
    print(word, flush=True)
    sys.stdin.readline()


def measured(asked: argparse.Namespace, *more: str) -> dict[str, Any]:
    """A service's result, with its backend, which comes and goes as the service says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    endpoint = f"http://127.0.0.1:{port}" + ("" if asked.protocol == "grpc" else "/v1/traces")
    sinks = [Sink(port=port, max_bytes=1 << 20).start()]
    command = [sys.executable, "-m", "benches.outage", *sys.argv[1:], *more, "--service", endpoint]
    result: dict[str, Any] = {}
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
    if not result:
        sys.exit(f"outage: the service ended with status {process.returncode}")
    result["arrived"] = sum(sink.span_count for sink in sinks)
    before = result["phases"]["before"]["cpu_ns_a_span"]
    result["cpu_to_normal"] = {name: round(row["cpu_ns_a_span"] / before, 3) for name, row in result["phases"].items()}
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=5000, help="spans a second")
    parser.add_argument("--protocol", choices=sorted(MODULES), default="http/protobuf")
    parser.add_argument("--timeout", type=float, default=10, help="the exporter's")
    parser.add_argument("--for-good", action="store_true", help="the backend does not come back")
    parser.add_argument("--queue", type=int, metavar="SPANS", help="our processor's max_queue_size; default: its own")
    parser.add_argument("--with-official", action="store_true", help="also the SDK with its own exporter, afterwards")
    parser.add_argument("--json", action="store_true", help="the last line alone")
    parser.add_argument("--service", help=argparse.SUPPRESS)
    parser.add_argument("--official", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.with_official and asked.protocol not in OFFICIAL:
        parser.error(f"there is no official exporter for {asked.protocol}")
    if asked.service:
        service(asked)
        return 0
    summary: dict[str, Any] = {"protocol": asked.protocol, "rate": asked.rate, "seconds": asked.seconds}
    summary["spanwire"] = ours = measured(asked)
    summary["broken"] = broken(ours)
    if asked.with_official:
        summary["official"] = measured(asked, "--official")
    if not asked.json:
        print(table(ours), *(f"BROKEN: {wrong}" for wrong in summary["broken"]), sep="\n")
        if asked.with_official:
            print("official", table(summary["official"]), sep="\n")
    print(json.dumps(summary))
    return 1 if summary["broken"] else 0


def table(result: dict[str, Any]) -> str:
    lines = [f"{'':8} {'spans':>9} {'CPU a span':>12} {'end() p50':>10} {'p99.9':>10} {'max':>11} {'resident':>9}"]
    for name, row in result["phases"].items():
        lines.append(
            f"{name:8} {row['made']:>9,} {row['cpu_ns_a_span']:>9,} ns {row['p50']:>7,} ns {row['p99.9']:>7,} ns "
            f"{row['max']:>8,} ns {row['most_resident'] >> 20:>5} MiB"
        )
    account = result["counts"]
    told = f"made {result['made']:,}, arrived {result['arrived']:,}, "
    if "dropped" in account:
        told += f"lost {sum(account['dropped'].values()):,} {account['dropped']}, {account['retries']} retries; "
    else:
        told += f"lost {result['made'] - result['arrived']:,}; "
    lines.append(told + f"flush {result['flush_seconds']:.2f} s, shutdown {result['shutdown_seconds']:.2f} s")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
