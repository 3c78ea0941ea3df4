"""Rounds of a random play (player.py) against a sink with random faults; after each the books of every process are checked.

``python -m tests.stress --seconds 600 [--seed N]``; ``make stress`` runs it. The seed decides who does what; what happens
at the same time differs from run to run. Ends with ``failures 0``, or with what went wrong and status 1.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from spanwire.sink import Fault, Sink
from tests.books import check_books, check_once
from tests.integration.processes.programs import finish, start

ROUND_SECONDS = 3.0
LONGEST_ROUND = 150.0
ENOUGH = 5  # failures
# Reasons for which a request may have been taken all the same: its answer came too late.
UNKNOWN = ("timeout", "shutdown", "exhausted")


def draw_fault(rng: random.Random) -> Fault:
    """One that leaves no doubt whether the sink has taken the request."""
    return rng.choice(
        [
            Fault(delay=rng.random() * 0.5),
            Fault(status=rng.choice([429, 502, 503, 504]), retry_after=rng.choice([None, 0, 1])),
            Fault(status=400),
            Fault(disconnect=rng.choice(["close", "reset", "half-close"])),
            Fault(rejected=rng.randint(1, 3)),
        ]
    )


def trouble(process: subprocess.Popen[str], sink: Sink, rng: random.Random, seconds: float) -> None:
    """Faults, and the process stopped now and then."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        if not sink.pending_faults and rng.random() < 0.3:
            sink.inject(draw_fault(rng), times=rng.randint(1, 4))
        if rng.random() < 0.1:
            process.send_signal(signal.SIGSTOP)
            time.sleep(rng.random())
            process.send_signal(signal.SIGCONT)
        time.sleep(rng.random() * 0.2)
    sink.clear_faults()


def check(books: dict[int, dict[str, Any]], sink: Sink) -> Counter[str]:
    """Sums over the processes, which are right each for itself."""
    sums: Counter[str] = Counter(processes=len(books))
    spans = sink.spans()
    assert sink.forgotten_request_count == 0, sink.forgotten_request_count
    check_once(spans)
    received = Counter(span.attributes["process.pid"] for span in spans)
    assert received.keys() <= books.keys(), "spans of a process that has left no books"
    for pid, book in books.items():
        assert book["failures"] == [], (pid, book["failures"])
        check_books(book["traces"])
        accepted = {destination: account["accepted"] for destination, account in book["traces"].items()}
        assert Counter(accepted) == Counter(book["made"]), (pid, book)
        for destination, account in book["traces"].items():
            sums.update({name: account[name] for name in ("accepted", "exported")})
            sums.update({f"dropped ({reason})": count for reason, count in account["dropped"].items()})
            if destination == sink.traces_endpoint:
                unknown = sum(account["dropped"].get(reason, 0) for reason in UNKNOWN)
                assert account["exported"] <= received[pid] <= account["exported"] + unknown, (
                    pid,
                    received[pid],
                    account,
                )
    return sums


def run_round(seed: str, seconds: float) -> Counter[str]:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, Sink(max_bytes=1 << 30, header_timeout=rng.choice([0.3, 60])) as sink:
        folder = Path(name)
        command = [sys.executable, "-m", "tests.stress.player", seed, str(seconds)]
        process = start(command, folder, sink.http_endpoint)
        trouble(process, sink, rng, seconds + rng.random())  # sometimes beyond its end
        ended = finish(process, folder, LONGEST_ROUND)
        assert ended.status == 0, f"status {ended.status}\n{ended.errors}"
        assert "Traceback" not in ended.errors, ended.errors
        return check(ended.books, sink)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    until, failures, sums = time.monotonic() + options.seconds, 0, Counter[str]()
    while (left := until - time.monotonic()) > 0 and failures < ENOUGH:
        number = sums["rounds"] = sums["rounds"] + 1
        try:
            sums += run_round(f"{options.seed} {number}", min(left, ROUND_SECONDS))
        except (AssertionError, pytest.fail.Exception) as error:
            failures += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"round {number}, {where.filename}:{where.lineno}: {where.line}\n{error}", flush=True)
    print(", ".join(f"{name} {count:,}" for name, count in sums.items()))
    print(f"failures {failures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
