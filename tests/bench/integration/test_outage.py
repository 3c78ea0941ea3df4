"""``benches.outage`` finds books that are broken."""

import json
import subprocess
import sys
from typing import Any

import pytest

from benches.outage_books import broken
from tests.conftest import ROOT


def result(**other: Any) -> dict[str, Any]:
    """Of a run in which nothing went wrong."""
    counts = {"accepted": 900, "exported": 900, "queued": 0, "dropped": {}}
    return {
        "made": 900,
        "arrived": 900,
        "waited": 300,
        "queue": None,
        "is_for_good": False,
        "flushed": True,
        "flush_limit": 60.0,
        "flush_seconds": 0.1,
        "shutdown_seconds": 0.1,
        "counts": counts,
        "phases": {"before": {"most_resident": 32 << 20}, "full": {"most_resident": 100 << 20, "grown": 0}},
        **other,
    }


def of_a_dead_backend(**other: Any) -> dict[str, Any]:
    counts = {"accepted": 900, "exported": 300, "queued": 0, "dropped": {"queue_full": 400, "shutdown": 200}}
    return result(**{"counts": counts, "arrived": 300, "is_for_good": True, "flushed": False, **other})


def counts(exported: int = 900, queued: int = 0, **dropped: int) -> dict[str, Any]:
    return {"accepted": 900, "exported": exported, "queued": queued, "dropped": dropped}


def test_books_that_are_right_are_not_broken() -> None:
    assert broken(result()) == []
    assert broken(of_a_dead_backend()) == []


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (result(made=901), "made 901"),
        (result(arrived=899), "arrived 899"),
        (result(counts=counts(890, queue_full=10)), "lost 10"),
        (result(counts=counts(890)), "do not add up"),
        (result(counts=counts(890, queued=10)), "do not add up"),
        (result(flushed=False), "in vain"),
        (of_a_dead_backend(flushed=True), "nobody answered"),
        (of_a_dead_backend(counts=counts(300, shutdown=600)), "never full"),
        (of_a_dead_backend(counts=counts(300, queue_full=500, internal=100)), "internal"),
        (of_a_dead_backend(shutdown_seconds=40.0), "shutdown took"),
        (of_a_dead_backend(flush_seconds=70.0), "flush took"),
        (of_a_dead_backend(queue=300, waited=3_000), "have waited"),
        (
            of_a_dead_backend(phases={"before": {"most_resident": 0}, "full": {"most_resident": 99 << 20, "grown": 0}}),
            "memory",
        ),
        (
            of_a_dead_backend(phases={"before": {"most_resident": 0}, "full": {"most_resident": 0, "grown": 9 << 20}}),
            "grown",
        ),
    ],
)
def test_broken_books_are_found(found: dict[str, Any], says: str) -> None:
    assert any(says in wrong for wrong in broken(found)), broken(found)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_short_outage_loses_nothing(protocol: str) -> None:
    command = [
        sys.executable,
        "-m",
        "benches.outage",
        "--seconds",
        "1",
        "--rate",
        "500",
        "--protocol",
        protocol,
        "--json",
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    summary = json.loads(ran.stdout.splitlines()[-1])
    assert summary["broken"] == []
    assert summary["spanwire"]["made"] == summary["spanwire"]["arrived"]
