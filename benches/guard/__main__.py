"""``python -m benches.guard``: counts the instructions of the hot paths and compares them with ``baseline.json``.

Ends with 1 where a case takes more than the tolerance beyond its baseline, with 2 where something could not be counted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benches.guard._baseline import GROUPS, Baseline, toolchain
from benches.guard._build import NotBuilt, Tree, build, copy
from benches.guard._compare import TOLERANCE, Verdict
from benches.guard._count import Case, Counts, Failed, cases, count_all
from benches.guard._report import Result, details, results, spread, table

_ROOT = Path(__file__).resolve().parents[2]
_BASELINE = Path(__file__).with_name("baseline.json")

Counted = list[tuple[Case, Counts]]


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches.guard", description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="make what is counted now the baseline of this toolchain")
    parser.add_argument(
        "--require", action="store_true", help="fail where there is no valgrind, or no baseline of a case"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="count so often, and say how much it differs"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="these, or what their names begin with")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="cases at a time")
    parser.add_argument("--tolerance", type=float, default=100 * TOLERANCE, metavar="PERCENT")
    parser.add_argument("--baseline", type=Path, default=_BASELINE, metavar="FILE")
    parser.add_argument("--sources", type=Path, default=_ROOT, metavar="FOLDER", help="the checkout that is counted")
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / "guard", help="where it is built")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Runs the guard; the exit code."""
    asked = _arguments(given)
    if shutil.which("valgrind") is None:
        _say("NOT run: there is no valgrind (make setup installs it where it may; Debian: apt install valgrind)")
        return 2 if asked.require else 0
    tree = Tree(asked.folder.resolve())
    try:
        baseline = Baseline.load(asked.baseline)
        with _alone(tree):
            start = time.monotonic()
            wanted = _prepared(tree, asked)
            built = time.monotonic()
            runs = [_counted(wanted, tree, asked.jobs, number) for number in range(asked.repeat)]
    except (NotBuilt, Failed, ValueError) as error:
        _say(str(error))
        return 2
    _say(f"built in {built - start:.0f} s, counted in {time.monotonic() - built:.0f} s")
    if asked.accept:
        for group in GROUPS:
            of_group = [pair for pair in runs[-1] if pair[0].group == group]
            if of_group:
                baseline.accept(group, toolchain(group), of_group, whole=not asked.only)
        baseline.save(asked.baseline)
        print("\n".join(table(results(runs[-1], {}))))
        _say(f"accepted: {asked.baseline} has these counts now; commit it with the change that made them")
        return 0
    return _judged(runs, baseline, asked)


@contextmanager
def _alone(tree: Tree) -> Iterator[None]:
    """Waits for another guard that counts there: what it has loaded must not be built anew under it."""
    tree.folder.mkdir(parents=True, exist_ok=True)
    with open(tree.folder / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another guard that counts in {tree.folder}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prepared(tree: Tree, asked: argparse.Namespace) -> list[Case]:
    """Builds what is asked for. Python's cases need the extension, which takes minutes, and the kernels do not."""
    if not (asked.sources / "setup.py").is_file():
        raise Failed(f"{asked.sources} is no checkout: it has no setup.py")
    copy(asked.sources.resolve(), tree)
    names = tuple(asked.only)
    build(tree, extension=not names or any("whole/".startswith(name[:6]) for name in names))
    chosen = [case for case in cases(tree) if not names or case.name.startswith(names)]
    if not chosen:
        raise Failed(f"no case is named so: {' '.join(names)}; there are {' '.join(case.name for case in cases(tree))}")
    return chosen


def _counted(wanted: list[Case], tree: Tree, jobs: int, run: int) -> Counted:
    counted: Counted = []
    for pair in count_all(wanted, tree, jobs):
        counted.append(pair)
        if sys.stderr.isatty():
            print(f"\rguard: run {run + 1}: {len(counted)} of {len(wanted)} cases", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return counted


def _judged(runs: list[Counted], baseline: Baseline, asked: argparse.Namespace) -> int:
    """Compares every run with the baseline; the last one is shown, and every one that is over."""
    accepted: dict[str, Counts] = {}
    for group in dict.fromkeys(case.group for case, _ in runs[0]):
        now = toolchain(group)
        if found := baseline.find(group, now):
            accepted.update(found.cases)
            continue
        nearest = baseline.nearest(group, now)
        _say(f"NO BASELINE of the {group} for this toolchain, so nothing is compared; make bench-baseline makes one")
        for line in nearest.differences(now) if nearest else []:
            _say(f"  {line}")
    judged = [results(run, accepted, asked.tolerance / 100) for run in runs]
    print("\n".join(table(judged[-1])))
    if len(runs) > 1:
        print("\n".join(["", *spread(runs)]))
    over = [[row for row in rows if row.verdict is Verdict.DEARER] for rows in judged]
    for rows in over:
        for row in rows:
            print("\n".join(["", *details(row)]))
    print(flush=True)
    return _ended(judged, over, asked)


def _ended(judged: list[list[Result]], over: list[list[Result]], asked: argparse.Namespace) -> int:
    last = judged[-1]
    silent = sum(not rows for rows in over)
    if len(judged) > 1:
        _say(f"silent in {silent} of {len(judged)} runs")
    if cheaper := [row.case.name for row in last if row.verdict is Verdict.CHEAPER]:
        _say(
            f"cheaper than the baseline, which would let it grow again: {', '.join(cheaper)}; accept with make bench-baseline"
        )
    new = [row.case.name for row in last if row.verdict is Verdict.NEW]
    if new:
        _say(f"without a baseline: {', '.join(new)}; accept with make bench-baseline")
    if silent < len(judged):
        names = dict.fromkeys(row.case.name for rows in over for row in rows)
        _say(
            f"FAILED: {len(names)} of {len(last)} cases take over {asked.tolerance:g} % more instructions than the baseline: "
            f"{', '.join(names)}; make it cheaper, or accept it with make bench-baseline and say why in the commit"
        )
        return 1
    if len(new) < len(last):
        _say(f"{len(last) - len(new)} cases within {asked.tolerance:g} % of the baseline, or below")
    return 1 if new and asked.require else 0


def _say(text: str) -> None:
    for line in text.splitlines():
        print(f"guard: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
