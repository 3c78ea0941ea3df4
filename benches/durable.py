"""What it costs that finished spans outlive their process; and a long outage whose spans wait on the disk.

    python -m benches.durable cost [--spans 100000] [--rounds 5] [--folder DIR]
    python -m benches.durable outage [--spans 10000000] [--folder DIR]
    python -m benches.durable pauses [--spans 100000] [--delay 0.2] [--folder DIR]

`cost`: processes take turns, each makes W5 spans at a pace that its exporter follows, and sends them to a sink of its own machine: CPU of the
process (all threads) for each span, and how long `end()` keeps its caller; with a queue in memory and with durable ones, without and with a
neighbour that writes to the same disk and has it synced all the time. Ratios are of the medians, and of the minima. `outage`: a process makes
spans as fast as it can while connections are refused, says its memory by eighths, and is killed; `spanwire recover` sends what is left.
`pauses`: how long `end()` keeps its caller where a file is needed at once (a large span, a burst that outruns the files made ahead, the first span
of a forked child), for each policy of syncing, while each system call that writes to the disk takes `--delay` seconds longer (benches/slow_disk.py; 0: not).
`--folder` is where the disk is; default: the working directory. docs/durability.md has figures.
"""

import argparse
import array
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benches.outage import W5, resident_bytes
from benches.pauses import CASES
from spanwire import stats
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from spanwire_bench._sink_process import SinkProcess
from spanwire_bench.latency import Quantiles

SIDES = ("memory", "never", "interval", "batch")
NEIGHBOUR = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
block = os.urandom(1 << 20)
print("writes", flush=True)
while True:
    for at in range(64):
        os.pwrite(file, block, at << 20)
    os.fsync(file)
"""
BURST, PAUSE = 100, 0.0005
MIB = 1 << 20


def provider(endpoint: str, durable: DurableQueue | None) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, durable=durable)))
    return made


def side(endpoint: str, kind: str, folder: str, spans: int) -> dict[str, float]:
    """In a process of its own."""
    made = provider(
        endpoint, None if kind == "memory" else DurableQueue(folder, fsync=kind, fsync_interval=0.1, recover=False)
    )
    tracer = made.get_tracer("durable")
    took = array.array("Q", [0]) * spans
    clock = time.perf_counter_ns

    def make(count: int) -> None:
        for number in range(count):
            span = tracer.start_span("GET /cart", attributes=W5)
            before = clock()
            span.end()
            took[number] = clock() - before
            if number % BURST == 0:
                time.sleep(PAUSE)

    make(spans // 5)
    made.force_flush()
    cpu = time.process_time_ns()
    make(spans)
    made.force_flush()
    cpu = time.process_time_ns() - cpu
    quantiles = Quantiles.of(took)
    (account,) = stats()["traces"].values()
    assert account["exported"] == account["accepted"], account
    made.shutdown()
    return {"cpu": cpu / spans, "p50": quantiles.p50, "p99.9": quantiles.p999, "max": quantiles.maximum}


@contextmanager
def neighbour(folder: Path, *, is_there: bool) -> Iterator[None]:
    """Somebody who keeps the disk busy."""
    if not is_there:
        yield
        return
    with subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR, str(folder / "neighbour")], stdout=subprocess.PIPE, text=True
    ) as writes:
        assert writes.stdout is not None
        writes.stdout.readline()
        try:
            yield
        finally:
            writes.kill()


def cost(asked: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for is_pressed in (False, True):
        rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in SIDES}
        with (
            SinkProcess() as sink,
            tempfile.TemporaryDirectory(dir=asked.folder) as folder,
            neighbour(Path(folder), is_there=is_pressed),
        ):
            for _ in range(asked.rounds):
                for kind in SIDES:
                    words = [kind, sink.endpoint, str(Path(folder) / "queue"), str(asked.spans)]
                    done = subprocess.run(
                        [sys.executable, "-m", "benches.durable", "side", *words], stdout=subprocess.PIPE, check=True
                    )
                    rounds[kind].append(json.loads(done.stdout))
        print(
            f"\n{'a neighbour writes and syncs' if is_pressed else 'nobody else uses the disk'}; {asked.rounds} rounds"
        )
        print(
            f"{'queue':10}{'CPU ns a span: min':>20}{'median':>8}{'ratio':>14}{'end() p50':>11}{'p99.9':>8}{'max':>10}  ns"
        )
        base = [one["cpu"] for one in rounds["memory"]]
        for kind, all_of_it in rounds.items():
            cpu = [one["cpu"] for one in all_of_it]
            ratios = f"{min(cpu) / min(base):.3f}/{statistics.median(cpu) / statistics.median(base):.3f}"
            p50, p999 = (statistics.median(one[name] for one in all_of_it) for name in ("p50", "p99.9"))
            worst = max(one["max"] for one in all_of_it)
            print(
                f"{kind:10}{min(cpu):20,.0f}{statistics.median(cpu):8,.0f}{ratios:>14}{p50:11,.0f}{p999:8,.0f}{worst:10,.0f}",
                flush=True,
            )
        result["pressed" if is_pressed else "alone"] = rounds
    return result


def fill(folder: str, spans: int) -> None:
    """In a process of its own, which is killed afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    tracer = provider(
        f"http://127.0.0.1:{port}/v1/traces", DurableQueue(folder, max_bytes=64 << 30, recover=False)
    ).get_tracer("durable")
    resident = []
    for number in range(spans):
        tracer.start_span("GET /cart", attributes=W5).end()
        if number % (spans // 8) == 0:
            resident.append(resident_bytes() // MIB)
    resident.append(resident_bytes() // MIB)
    (account,) = stats()["traces"].values()
    (queue,) = stats()["durable"]
    told = {
        "queued": account["queued"],
        "dropped": account["dropped"],
        "disk_mib": queue["bytes"] // MIB,
        "resident_mib": resident,
    }
    print(json.dumps(told), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def outage(asked: argparse.Namespace) -> dict[str, Any]:
    with SinkProcess() as sink, tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        queue = str(Path(folder) / "queue")
        filled = subprocess.run(
            [sys.executable, "-m", "benches.durable", "fill", queue, str(asked.spans)],
            stdout=subprocess.PIPE,
            check=False,
        )
        told = json.loads(filled.stdout)
        print("queued in an outage, then killed:", json.dumps(told), flush=True)
        begin = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", "spanwire", "recover", queue, "--endpoint", sink.endpoint, "--json"],
            stdout=subprocess.PIPE,
        ) as sends:
            peak = 0
            while sends.poll() is None:
                try:
                    pages = int(Path(f"/proc/{sends.pid}/statm").read_text(encoding="ascii").split()[1])
                except (OSError, IndexError):
                    break
                peak = max(peak, pages * os.sysconf("SC_PAGE_SIZE") // MIB)
                time.sleep(0.02)
            assert sends.stdout is not None
            document = json.loads(sends.stdout.read())
        seconds = time.monotonic() - begin
        left = [path.name for path in Path(queue).iterdir()]
        result: dict[str, Any] = told | {
            "seconds": seconds,
            "peak_mib": peak,
            "arrived": sink.count(),
            "left": left,
            "recover": document,
        }
    print(
        f"recovered: {result['arrived']:,} of {asked.spans:,} spans in {seconds:.1f} s, at most {peak} MiB; folders left: {len(left)}"
    )
    return result


def pauses(asked: argparse.Namespace) -> list[dict[str, Any]]:
    results = []
    print(
        f"{'case':8}{'fsync':10}{'ends':>10}{'p50':>9}{'p99.99':>14}{'max':>14}  ns{'> 50 ms':>10}{'> 150 ms':>10}  dropped"
    )
    for case, (_, share) in CASES.items():
        for fsync in SIDES[1:]:
            with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
                program = [sys.executable, "-m", "benches.pauses", case, str(Path(folder) / "queue")]
                program += [str(max(10, round(asked.spans * share))), fsync]
                slow = [sys.executable, "-m", "benches.slow_disk", "--delay", str(asked.delay), "--"]
                done = subprocess.run(
                    [*(slow if asked.delay else []), *program],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    check=True,
                )
            one = json.loads(done.stdout.splitlines()[-1]) | {"fsync": fsync}
            results.append(one)
            print(
                f"{case:8}{fsync:10}{one['ends']:10,}{one['p50']:9,}{one['p99.99']:14,}{one['max']:14,}    "
                f"{one['over 50 ms']:10,}{one['over 150 ms']:10,}  {one['account']['dropped'] or ''}",
                flush=True,
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    for name, spans in (("cost", 100_000), ("outage", 10_000_000), ("pauses", 100_000)):
        mode = modes.add_parser(name)
        mode.add_argument("--spans", type=int, default=spans)
        mode.add_argument("--rounds", type=int, default=5)
        mode.add_argument("--folder", default=".")
        if name == "pauses":
            mode.add_argument("--delay", type=float, default=0.2)
    one = modes.add_parser("side")  # what `cost` begins
    for word in ("kind", "endpoint", "folder"):
        one.add_argument(word)
    one.add_argument("spans", type=int)
    filled = modes.add_parser("fill")  # what `outage` begins
    filled.add_argument("folder")
    filled.add_argument("spans", type=int)
    asked = parser.parse_args()
    if asked.mode == "side":
        print(json.dumps(side(asked.endpoint, asked.kind, asked.folder, asked.spans)))
    elif asked.mode == "fill":
        fill(asked.folder, asked.spans)
    else:
        print(json.dumps({"cost": cost, "outage": outage, "pauses": pauses}[asked.mode](asked)))


if __name__ == "__main__":
    main()
