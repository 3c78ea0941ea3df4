"""How many spans a second does the OpenTelemetry Collector take, and what does ``spanwire generate`` need to find out?

    python benches/collector_limit.py [--format proto|json] [--seconds 5] [--cores 0,1] [RATE ...]

Starts the Collector of ``ci/collector`` (OTLP/HTTP in, the file exporter to /dev/null out), offers it spans at each RATE and then
as fast as it takes them, and prints a line for each: what was offered and taken, latency of requests, CPU of both sides. With
``--cores A,B`` the generator has core A and the Collector core B.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RATES = (10_000, 50_000, 100_000, 200_000)
COLUMNS = "{:>14} {:>12} {:>10} {:>10} {:>10} {:>12} {:>12} {:>14}"


def main() -> None:
    """The table, line by line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--format", choices=("proto", "json"), default="proto")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--cores", type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("rates", nargs="*", type=int, default=RATES, metavar="RATE")
    asked = parser.parse_args()
    ours, theirs = asked.cores or (None, None)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "collector.json"
        config.write_text(json.dumps(_config(asked.format)))
        collector = subprocess.Popen(
            [ROOT / "build/tools/bin/otelcol", "--config", config],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | ({} if theirs is None else {"GOMAXPROCS": "1"}),
        )
        try:
            if theirs is not None:
                os.sched_setaffinity(collector.pid, {theirs})
            endpoint = _address(collector)
            print(
                COLUMNS.format("offered/s", "taken/s", "lost", "p50", "p99", "generator", "Collector", "generator, ns")
            )
            for rate in (*asked.rates, None):
                _offer(endpoint, rate, asked, collector.pid, ours)
        finally:
            collector.terminate()
            collector.wait(30)


def _offer(endpoint: str, rate: int | None, asked: argparse.Namespace, pid: int, core: int | None) -> None:
    command = [sys.executable, "-m", "spanwire", "generate", "--endpoint", endpoint, "--json", "--seed", "1"]
    command += ["--duration", str(asked.seconds), "--batch", str(asked.batch)]
    command += [] if rate is None else ["--rate", str(rate)]
    before = _cpu_seconds(pid)
    pin = None if core is None else lambda: os.sched_setaffinity(0, {core})
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=pin)
    said: dict[str, Any] = json.loads(done.stdout)
    seconds = said["seconds"]
    print(
        COLUMNS.format(
            "all" if rate is None else f"{rate:,}",
            f"{said['spans_per_second']:,.0f}",
            f"{sum(said['lost'].values()):,}",
            f"{said['latency_seconds']['p50'] * 1e3:.2f} ms",
            f"{said['latency_seconds']['p99'] * 1e3:.2f} ms",
            f"{said['cpu_seconds'] / seconds:.2f} cores",
            f"{(_cpu_seconds(pid) - before) / seconds:.2f} cores",
            f"{said['cpu_ns_per_span']:,.0f}",
        ),
        flush=True,
    )


def _config(form: str) -> dict[str, object]:
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "localhost:0"}}}},
        "exporters": {"file": {"path": "/dev/null", "format": form}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"encoding": "json"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    }


def _address(collector: subprocess.Popen[str]) -> str:
    """Where it listens, once it is ready; its log is read on so that it never waits for us."""
    assert collector.stderr is not None
    address = ""
    for line in collector.stderr:
        entry = json.loads(line) if line.startswith("{") else {"msg": line}
        if entry["msg"] == "Starting HTTP server":
            address = "http://localhost:" + entry["endpoint"].rpartition(":")[2]
        elif entry["msg"].startswith("Everything is ready"):
            threading.Thread(target=collector.stderr.read, daemon=True).start()
            return address
    raise RuntimeError("the Collector did not start")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
