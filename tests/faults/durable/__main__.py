"""Kills processes, and prints what became of their spans: ``python -m tests.faults.durable [--kills 200] [--seed N] [CASE ...]``.

Ends with ``lost 0``, or with what went wrong and status 1.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.durable.kills import CASES, HEAD, Books, can_mount, judge, play


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="default: all")
    parser.add_argument("--kills", type=int, default=200, help="at least so many, evenly over the cases")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    asked = parser.parse_args()
    if unknown := [name for name in asked.cases if name not in CASES]:
        parser.error(f"no such case: {'; '.join(unknown)}; there are: {'; '.join(CASES)}")
    names = asked.cases or [name for name, case in CASES.items() if can_mount() or not case.needs_mount]
    rounds = -(-asked.kills // len(names))
    print(
        f"seed {asked.seed}, {len(names)} cases, {rounds} rounds each\n\n{HEAD}\n{' | '.join(['---'] * 7)}", flush=True
    )
    total, failures = Books(0, 0, 0, 0, 0, 0, 0), []
    for name in names:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            books = play(name, rounds, Path(place), asked.seed)
        print(f"{name} | {books.row()}", flush=True)
        failures += [f"{name}: {what}" for what in judge(name, books)]
        for column in ("kills", "ended", "arrived", "lost", "dropped", "duplicates"):
            setattr(total, column, getattr(total, column) + getattr(books, column))
    print(f"all | {total.row()}\n")
    print("\n".join(failures) if failures else f"lost {total.lost}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
